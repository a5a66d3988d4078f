"""Scans and findings as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.storage.database import Row

_SHOWN = (
    "id",
    "name",
    "filename",
    "format",
    "tool",
    "status",
    "experiment_id",
    "created_at",
    "started_at",
    "finished_at",
    "updated_at",
)
TOP = 10


def shown_scan(scan: Row) -> dict[str, Any]:
    """Return a scan as it is shown."""
    counts, joined = _mapping(scan.get("counts")), _mapping(scan.get("joined"))
    return {
        **{name: scan.get(name) for name in _SHOWN},
        "size": int(counts.get("bytes", 0)),
        "findings": int(counts.get("findings", 0)),
        "duplicates": int(counts.get("duplicates", 0)),
        "known_exploited": int(counts.get("known_exploited", 0)),
        "by_severity": _mapping(counts.get("by_severity")),
        "seconds": counts.get("seconds"),
        "left_out": _mapping(scan.get("notes")),
        "joined": {
            "as_of": joined.get("as_of"),
            "complete": bool(joined.get("complete")),
            "missing": list(joined.get("missing") or ()),
            "at": joined.get("at"),
        },
        "error": scan.get("error") if isinstance(scan.get("error"), Mapping) else None,
    }


def shown_finding(row: Row) -> dict[str, Any]:
    """Return a finding as it is shown."""
    record = _mapping(row.get("record"))
    said = _mapping(record.get("reported"))
    return {
        "id": row["id"],
        "scan_id": row["scan_id"],
        "vulnerability": row["vulnerability"],
        "aliases": list(said.get("aliases") or ()),
        "title": record.get("title") or row["vulnerability"],
        "description": said.get("description") or "",
        "severity": row["severity"],
        "known_exploited": row["known_exploited"] == "yes",
        "ransomware": bool(record.get("ransomware")),
        "date_added": record.get("date_added"),
        "due_date": record.get("due_date"),
        "component": row["component"],
        "version": said.get("version") or "",
        "fixed_version": said.get("fixed_version") or "",
        "purl": said.get("purl") or "",
        "location": row["location"],
        "cvss": record.get("cvss"),
        "epss": record.get("epss"),
        "percentile": record.get("percentile"),
        "pulse": record.get("pulse"),
        "priority": int(record.get("priority") or 0),
        "reasons": list(record.get("reasons") or ()),
        "references": list(said.get("references") or ()),
        "threat_id": record.get("threat_id"),
        "tool": said.get("tool") or "",
    }


def result(scan: Row, top: Sequence[Row], timestamp: str) -> dict[str, Any]:
    """Return the payload of scan_result."""
    return {"scan": shown_scan(scan), "top": [shown_finding(row) for row in top], "timestamp": timestamp}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
