"""The payload of pulse_update: topics, and how far they can be relied on.

live    everything that is shown comes from sources that answered at their last try
stale   something that is shown does not, or nothing in the window is new, or the first load is under way
error   no source has ever answered
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.dashboard.pulse.items import Known
from backend.dashboard.pulse.topics import SHOWN_IDS, Topics, item_view
from backend.dashboard.sourcing.line import SourceLine

DEGRADED = "Service temporarily degraded, showing cached data."
_BY_THE_HOUR = frozenset(("1h", "6h"))


def pulse_payload(
    found: Topics,
    *,
    window: str,
    limit: int,
    lines: Sequence[SourceLine],
    ledger: Sequence[dict[str, Any]],
    has_threat: Callable[[str], bool],
    refreshing: bool = False,
) -> dict[str, Any]:
    """Return the payload; see PulseUpdateSchema.

    Args:
        limit: largest number of topics.
        lines: of all sources.
        has_threat: tells whether there is a threat record of an id.
        refreshing: a forced refresh is still under way.
    """
    loaded = [line for line in lines if line.as_of is not None]
    oldest = min(loaded, key=lambda line: (line.as_of, line.name), default=None)
    status, told = _state(lines, loaded, found, window)
    payload: dict[str, Any] = {
        "status": status,
        "topics": [_with_threat(topic, has_threat) for topic in found.topics[:limit]],
        "window": window,
        "window_end": found.window_end.isoformat() if found.window_end else None,
        "as_of": oldest.as_of.isoformat() if oldest and oldest.as_of else None,
        "ttl": oldest.ttl if oldest else min((line.ttl for line in lines), default=0.0),
        "stale": status != "live",
        "sources": list(ledger),
        "items_total": found.items,
    }
    if refreshing:
        told.append("The refresh is still under way; this is what is at hand.")
    if told:
        payload["message"] = " ".join(told)
    if status == "error":
        payload["suggestion"] = next((entry["suggestion"] for entry in ledger if "suggestion" in entry), _ADVICE)
    return payload


_ADVICE = "Set JUPITER_PULSE_FEEDS, or look at the demo: python run.py demo"


def _state(
    lines: Sequence[SourceLine], loaded: Sequence[SourceLine], found: Topics, window: str
) -> tuple[str, list[str]]:
    """Return the status and what is to be said about it."""
    if not lines:
        return "error", ["No feed and no other source of pulse is switched on."]
    if not loaded:
        return _nothing_yet(lines)
    old = [line for line in loaded if line.status != "live"]
    missing = [line for line in lines if line.as_of is None and line.error is not None]
    told = [DEGRADED, *_reasons(old)] if old else []
    if missing:
        told.append(f"{len(missing)} of {len(lines)} sources are missing: {', '.join(line.title for line in missing)}.")
    if found.anchored and found.window_end is not None:
        told.append(f"Nothing newer than {_told(found.window_end, window)}: showing the {_span(window)} before that.")
    return "stale" if old or found.anchored else "live", told


def _nothing_yet(lines: Sequence[SourceLine]) -> tuple[str, list[str]]:
    if any(line.status == "loading" for line in lines):
        return "stale", ["The first load is under way."]
    return "error", ["No source of pulse could be reached yet.", *_reasons(lines)]


def _reasons(lines: Sequence[SourceLine]) -> list[str]:
    """Return why, by source, the same reason of several only once."""
    by_reason: dict[str, list[str]] = {}
    for line in lines:
        by_reason.setdefault(line.reason or "Not confirmed for too long.", []).append(line.title)
    return [f"{', '.join(titles)}: {reason}" for reason, titles in by_reason.items()]


def _told(moment: datetime, window: str) -> str:
    text = f"{moment.day} {moment:%b %Y}"
    return f"{text} {moment:%H:%M} UTC" if window in _BY_THE_HOUR else text


def _span(window: str) -> str:
    return window.replace("h", " h").replace("d", " days")


def items_payload(
    about: Sequence[Known],
    found: Topics,
    *,
    asked: Mapping[str, Any],
    titles: Mapping[str, str],
    whole: Mapping[str, Any],
    has_threat: Callable[[str], bool],
) -> dict[str, Any]:
    """Return the items of one topic; see PulseItemsSchema.

    Args:
        asked: topic, kind, window and limit.
        titles: of sources by their name.
        whole: the payload of the window, for its age.
    """
    named = dict.fromkeys(name for each in about for name in each.item.ids if has_threat(name))
    return {
        **{name: asked[name] for name in ("topic", "kind", "window")},
        **{name: whole[name] for name in ("status", "as_of", "ttl", "stale")},
        "window_end": found.window_end.isoformat() if found.window_end else None,
        "items": [_item_with_more(each, titles) for each in about[: asked["limit"]]],
        "total": len(about),
        "threat_ids": list(named)[:SHOWN_IDS],
    }


def _item_with_more(known: Known, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        **item_view(known, titles),
        "author": known.item.author,
        "summary": known.item.summary,
        "ids": list(known.item.ids),
        "source_names": [titles.get(name, name) for name in known.sources],
    }


def _with_threat(topic: Mapping[str, Any], has_threat: Callable[[str], bool]) -> dict[str, Any]:
    """Link a topic to the threat records that its items name."""
    shown = {name: value for name, value in topic.items() if name != "ids"}
    recorded = [name for name in topic["ids"] if has_threat(name)]
    own = topic["topic"] if topic["kind"] == "cve" and has_threat(topic["topic"]) else None
    named = [own, *(name for name in recorded if name != own)] if own else recorded
    return {**shown, "threat_id": own, "threat_ids": named}
