"""Finding the threats that a question is about: plain ranked words, for the chat's local answer and its sources."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from backend.dashboard.chat.words import STOP
from backend.dashboard.threats.merge import Record
from backend.dashboard.threats.snapshot import Snapshot, words_in

_ID = re.compile(r"\b[a-z]{3,16}-\d{4}-\d{4,19}\b")
_TITLE_POINTS, _TEXT_POINTS, _RANSOMWARE_POINTS = 3.0, 1.0, 0.1
_NOISE = frozenset(
    (
        *(
            "risk",
            "risks",
            "threat",
            "threats",
            "vulnerability",
            "vulnerabilities",
            "cve",
            "cves",
            "exploit",
            "exploits",
        ),
        *("exploited", "attack", "attacks", "security", "critical", "high", "list", "current", "explain", "summary"),
        *("urgent", "important", "priority", "prioritise", "prioritize", "affect", "affected", "affects", "does"),
    )
)


def find(snapshot: Snapshot, ids: Sequence[str], text: str, limit: int) -> list[Record]:
    """Return records of the snapshot itself, at most `limit`.

    Args:
        ids: records that are wanted by their id; with neither ids nor text the first of all are given.
        text: the ids in it come first, then the records that its words match best.
    """
    if not text.strip() and not ids:
        return list(snapshot.records[:limit])
    lowered = text.lower()
    named = [name.upper() for name in (*ids, *_ID.findall(lowered))]
    places = list(dict.fromkeys(snapshot.by_id[name] for name in named if name in snapshot.by_id))
    words = frozenset(word for word in words_in(_ID.sub(" ", lowered)) if word not in STOP | _NOISE)
    if words and len(places) < limit:
        places += [at for at in _ranked(snapshot, words) if at not in places]
    return [snapshot.records[at] for at in places[:limit]]


def _ranked(snapshot: Snapshot, words: frozenset[str]) -> list[int]:
    """Order by how much of the question a record covers, rare words counting more; then by the list's own order."""
    scores: defaultdict[int, float] = defaultdict(float)
    for word in words - {"ransomware"}:
        places = snapshot.places.get(word, ())
        for at in places:
            scores[at] += _points(snapshot.records[at], word) / len(places) ** 0.5
    if "ransomware" in words:
        for at in list(scores) or range(len(snapshot.records)):
            if snapshot.records[at]["ransomware"]:
                scores[at] += _RANSOMWARE_POINTS
    return sorted(scores, key=lambda at: (-scores[at], at))


def _points(record: Record, word: str) -> float:
    head = f"{record['title']} {record['vendor'] or ''} {record['product'] or ''}".lower()
    return _TITLE_POINTS if word in head else _TEXT_POINTS
