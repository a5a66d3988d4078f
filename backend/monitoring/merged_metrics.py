"""The metrics of several workers as one text, each line with its worker: whoever is asked answers for all."""

from __future__ import annotations

from collections.abc import Mapping


def merged(texts: Mapping[str, bytes]) -> bytes:
    """Merge texts in Prometheus' form.

    Args:
        texts: worker -> what it has counted.

    Returns:
        Each family once with its help and type, and the lines of all workers with the label `worker`.
    """
    families: dict[str, tuple[list[str], list[str]]] = {}
    for worker, text in texts.items():
        lines: list[str] = []
        known = False
        for line in text.decode().splitlines():
            if line.startswith("# HELP "):
                about, lines = families.setdefault(line.split(" ", 3)[2], ([], []))
                known = bool(about)
                if not known:
                    about.append(line)
            elif line.startswith("#"):
                if not known:
                    about.append(line)
            elif line:
                lines.append(labelled(line, worker))
    return "".join(f"{line}\n" for about, lines in families.values() for line in (*about, *lines)).encode()


def labelled(line: str, worker: str) -> str:
    """Return a line of values with the label `worker` in front of its own."""
    name, brace, rest = line.partition("{")
    if brace and " " not in name:
        return f'{name}{{worker="{worker}",{rest}'
    name, _, value = line.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
