"""CVSS scores as sources give them: checked, and the one that is to be believed. Pure.

Vectors are read by the library `cvss`, which knows the standards of FIRST (v2, v3.0, v3.1, v4.0). A vector that it
cannot read is left out; a score without a vector is kept, a vector without a score is scored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

Score = dict[str, Any]
"""version, vector, score, severity, source, primary; see CvssSchema."""

_BANDS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))
_OLD_BANDS = ((7.0, "high"), (4.0, "medium"), (0.0, "low"))  # version 2 has no critical


def cvss_score(vector: Any, score: Any = None, *, version: Any = None, source: str = "", primary: bool = False) -> Any:
    """Return a score, None where there is none: what is neither scored nor has a vector is unscored, not harmless.

    Args:
        vector: of any version.
        score: 0 to 10; computed where it is missing.
        version: where the vector does not say it (version 2, or none).
        source: who scored.
        primary: whether that is the authority for it, see NVD's types Primary and Secondary.
    """
    read = _read(vector.strip()[:300]) if isinstance(vector, str) and vector.strip() else None
    number = _number(score)
    if read is None and not number:
        return None
    told, clean, computed = read or (str(version or "")[:3], None, 0.0)
    value = computed if number is None else number
    return {
        "version": told,
        "vector": clean,
        "score": value,
        "severity": _severity(told, value),
        "source": source,
        "primary": primary,
    }


def believed(scores: Iterable[Score | None]) -> Score | None:
    """Return the score to show: not version 2 where there is a newer one, then a primary one, then the newest version.

    Of equals the first is taken.
    """
    given = [score for score in scores if score]
    return max(given, key=lambda s: (s["version"] >= "3", s["primary"], s["version"]), default=None)


@lru_cache(maxsize=8192)
def _read(vector: str) -> tuple[str, str, float] | None:
    """Return version, cleaned vector and score; vectors repeat, and version 4 takes 0.3 ms."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # noqa: PLC0415 - 40 ms that the start does not have to pay

    try:
        if vector.startswith("CVSS:4"):
            newest = CVSS4(vector)
            return "4.0", newest.clean_vector(), float(newest.base_score)
        if vector.startswith("CVSS:3"):
            made = CVSS3(vector)
            return vector[5:8], made.clean_vector(), float(made.base_score)
        old = CVSS2(vector.strip("()"))
        return "2.0", old.clean_vector(), float(old.base_score)
    except (CVSSError, ValueError, KeyError, IndexError):
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return round(number, 1) if math.isfinite(number) and 0.0 <= number <= 10.0 else None


def _severity(version: str, score: float) -> str:
    bands = _OLD_BANDS if version.startswith("2") else _BANDS
    return next(name for least, name in bands if score >= least)
