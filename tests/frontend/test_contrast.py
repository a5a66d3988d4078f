"""Text can be read in both schemes: contrast as WCAG 2.2 defines it (1.4.3, 1.4.11), computed from the tokens."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css").read_text()
COLOURS = {
    name: {"light": light, "dark": dark}
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS)
}
GROUNDS = ("paper", "surface", "inset", "raised")
TONES = ("ok", "warn", "stale", "bad", "off", "accent")
TEXT = [
    *[(ink, ground) for ground in GROUNDS for ink in ("ink", "ink-soft", "ink-faint", *TONES)],
    *[(tone, f"{tone}-ground") for tone in TONES],
    *[(ink, f"{tone}-ground") for tone in TONES for ink in ("ink", "ink-soft", "ink-faint")],
    ("accent-ink", "accent"),
]
EDGES = [("line-strong", ground) for ground in GROUNDS]
LEAST_TEXT, LEAST_EDGE = 4.5, 3.0


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    """4.5:1 for every ink on every ground it is used on."""
    ratios = {pair: contrast(*(COLOURS[name][scheme] for name in pair)) for pair in TEXT}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < LEAST_TEXT} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edge_of_a_field_stands_out_from_what_is_beside_it(scheme: str) -> None:
    """3:1 for what tells a field or a button apart."""
    ratios = {pair: contrast(*(COLOURS[name][scheme] for name in pair)) for pair in EDGES}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < LEAST_EDGE} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_worst_severity_can_be_read(scheme: str) -> None:
    """White on its fill."""
    assert contrast("#ffffff", COLOURS["critical-fill"][scheme]) >= LEAST_TEXT
