"""Names of threat actors in headlines."""

import pytest

from backend.dashboard.pulse.actors import actor_key, actors_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Chinese APT41 and UNC5174 exploit SharePoint", ["APT41", "UNC5174"]),
        (
            "Linen Typhoon, Violet Typhoon and Storm-2603 behind ToolShell",
            ["Linen Typhoon", "Violet Typhoon", "Storm-2603"],
        ),
        ("Scattered Spider arrests follow M&S hack", ["Scattered Spider"]),
        ("LockBit returns; Lazarus Group steals again", ["LockBit", "Lazarus Group"]),
        ("Play ransomware hits 900 organisations", ["Play"]),
        ("Akira gang abuses drivers", ["Akira"]),
        ("TA505 spreads a loader, FIN7 sells it", ["TA505", "FIN7"]),
        ("Midnight Blizzard phishes diplomats", ["Midnight Blizzard"]),
    ],
)
def test_actors_are_found_by_rule_and_by_list(text, names):
    assert list(actors_in(text)) == names


@pytest.mark.parametrize(
    "text",
    [
        "How to play Medusa on your phone",
        "Everest climbers lose data in a royal fog",
        "Adapt28 and start1 are packages",
        "Black Bear diner breach",
        "The Rain delays a launch",
        "CVE-2026-1000 in a spider",
        "Patchwork of laws",
        "",
    ],
)
def test_everyday_words_are_no_actors(text):
    assert list(actors_in(text)) == []


def test_all_ways_of_writing_a_name_are_one():
    assert actor_key("APT-28") == actor_key("APT28") == "apt28"
    assert actor_key("Lazarus Group") == actor_key("Lazarus")
    assert actor_key("Storm-2603") == actor_key("storm2603")
