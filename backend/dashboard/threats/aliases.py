"""Which fragments speak of the same threat under different names. Pure: runs in a native thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Fragments = Mapping[str, Mapping[str, Any]]
_FIRST = ("CVE-", "DEMO-", "GHSA-")
"""Which name a record goes by where it has several: the one that most others use."""


def same_threats(given: Sequence[tuple[str, Fragments]]) -> dict[str, str]:
    """Return the record's id for every name that is not a record's id itself.

    Two names are of one threat where a fragment of the one lists the other as its alias, also over a third.

    Args:
        given: (source, fragments by name) of all sources.
    """
    leader: dict[str, str] = {}

    def found(name: str) -> str:
        while name in leader:
            name = leader[name]
        return name

    for _, fragments in given:
        for name, fragment in fragments.items():
            for alias in fragment.get("aliases", ()):
                one, other = found(name), found(alias)
                if one != other:
                    first, second = sorted((one, other), key=_rank)
                    leader[second] = first
    return {name: found(name) for name in leader}


def _rank(name: str) -> tuple[int, str]:
    return next((at for at, prefix in enumerate(_FIRST) if name.startswith(prefix)), len(_FIRST)), name
