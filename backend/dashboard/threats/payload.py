"""The payload of threats_update: records, and how far they can be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.dashboard.sourcing.line import SourceLine
from backend.dashboard.threats.snapshot import Page

DEGRADED = "Service temporarily degraded, showing cached data."


def threats_payload(
    page: Page,
    *,
    catalogues: Sequence[SourceLine],
    enrichers: Sequence[SourceLine],
    ledger: Sequence[dict[str, Any]],
    refreshing: bool = False,
) -> dict[str, Any]:
    """Return the payload; see ThreatsUpdateSchema.

    Args:
        catalogues: lines of the sources that the list rests on; how old it is is how old theirs is.
        enrichers: lines of those that add to it; without one the list is partial, not stale.
        refreshing: a forced refresh is still under way.
    """
    loaded = [line for line in catalogues if line.as_of is not None]
    oldest = min(loaded, key=lambda line: (line.as_of, line.name), default=None)
    payload: dict[str, Any] = {
        "threats": page.records,
        "count": len(page.records),
        "success": bool(loaded),
        "total": page.total,
        "sources": list(ledger),
        "as_of": oldest.as_of.isoformat() if oldest and oldest.as_of else None,
        "ttl": oldest.ttl if oldest else min((line.ttl for line in catalogues), default=0.0),
        "stale": not loaded or any(line.status != "live" for line in loaded),
    }
    if page.next_cursor:
        payload["next_cursor"] = page.next_cursor
    told = [_going_on(refreshing), *(_trouble(catalogues) if loaded else _nothing(catalogues)), *_missing(enrichers)]
    message = " ".join(text for text in told if text)
    if message:
        payload["message"] = message
    suggestion = next((entry["suggestion"] for entry in ledger if "suggestion" in entry), _advice(catalogues))
    if suggestion and not loaded:
        payload["suggestion"] = suggestion
    return payload


def _going_on(refreshing: bool) -> str:
    return "The refresh is still under way; this is what is at hand." if refreshing else ""


def _nothing(catalogues: Sequence[SourceLine]) -> list[str]:
    if not catalogues:
        return ["No source of threats is switched on."]
    if any(line.status == "loading" for line in catalogues):
        return ["The first load is under way."]
    if all(line.needs for line in catalogues):
        return ["No source of threats is set up.", *(f"{line.title} needs {line.needs}." for line in catalogues)]
    return ["No threats could be loaded yet.", *(f"{line.title}: {line.reason}" for line in catalogues)]


def _advice(catalogues: Sequence[SourceLine]) -> str:
    return "" if catalogues else "Add cisa_kev to JUPITER_SOURCES, or look at the demo: python run.py demo"


def _trouble(catalogues: Sequence[SourceLine]) -> list[str]:
    bad = [line for line in catalogues if line.status not in ("live", "loading")]
    return [DEGRADED, *(f"{line.title}: {line.reason or 'not confirmed for too long.'}" for line in bad)] if bad else []


def _missing(enrichers: Sequence[SourceLine]) -> list[str]:
    bad = [line for line in enrichers if not line.needs and (line.error is not None or line.expired)]
    return [
        f"{line.title} is {'missing' if line.as_of is None else 'not up to date'}: {line.reason or 'too old.'}"
        for line in bad
    ]
