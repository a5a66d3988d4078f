"""Findings joined with what is known of their vulnerabilities: exploitation, likelihood, severity, talk."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from backend.dashboard.scans.rank import rank_text, ranked
from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.scans.finding import Finding, number, severity
from backend.schemas.times import utc_iso
from backend.storage.database import Row

Find = Callable[[Sequence[str]], Iterable[Mapping[str, Any]]]
PULSE_SECONDS = 10.0
_SEARCHED = 2000


class Intelligence:
    """What the other panels know, as findings need it.

    Args:
        find: returns the threat records of ids.
        threats: returns the payload of the threats' default view, for its age and completeness.
        pulse: returns the payload of a week's topics.
    """

    def __init__(
        self,
        find: Find,
        threats: Callable[[], Mapping[str, Any]],
        pulse: Callable[[], Mapping[str, Any]],
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._find = find
        self._threats = threats
        self._pulse = pulse
        self._clock = clock
        self._topics: dict[str, dict[str, int]] = {}
        self._topics_at = float("-inf")

    def state(self) -> dict[str, Any]:
        """Return how far a joining can be relied on: as_of, complete, missing (titles of sources without data)."""
        payload = self._threats()
        missing = [
            str(source.get("title") or source.get("name"))
            for source in payload.get("sources", ())
            if not source.get("as_of") and source.get("status") not in ("not_configured", "disabled")
        ]
        loaded = bool(payload.get("success"))
        return {"as_of": payload.get("as_of"), "complete": loaded, "missing": missing}

    def records(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the threat records of ids, also under their aliases."""
        found: dict[str, Mapping[str, Any]] = {}
        for record in self._find(ids) if ids else ():
            for name in (record.get("id"), *(record.get("aliases") or ())):
                if isinstance(name, str):
                    found.setdefault(name.upper(), record)
        return found

    def talk(self) -> Mapping[str, dict[str, int]]:
        """Return what is talked about: id -> mentions and sources of the week; nothing where there is no pulse."""
        if self._clock.monotonic() - self._topics_at >= PULSE_SECONDS:
            self._topics_at = self._clock.monotonic()
            try:
                topics = self._pulse().get("topics", ())
            except DashboardError:
                topics = ()  # the pulse tells its own troubles; a finding without talk is ranked without it
            self._topics = {
                str(topic["topic"]).upper(): {
                    "mentions": _count(topic, "mentions"),
                    "sources": _count(topic, "sources"),
                }
                for topic in topics
                if topic.get("kind") == "cve"
            }
        return self._topics


def _count(topic: Mapping[str, Any], name: str) -> int:
    told = topic.get(name)
    return len(told) if isinstance(told, list | tuple | dict) else int(told or 0)


class Joiner:
    """Makes rows of the table findings.

    Args:
        intelligence: what is known.
    """

    def __init__(self, intelligence: Intelligence, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.intelligence = intelligence
        self._clock = clock

    def rows(self, scan: Row, findings: Sequence[Finding]) -> list[Row]:
        """Return the rows of findings of a scan; the same finding always gets the same id."""
        records = self.intelligence.records(_ids((f.vulnerability, *f.aliases) for f in findings))
        now = utc_iso(self._clock.now())
        return [self._row(scan, reported(finding), records, now) for finding in findings]

    def again(self, scan: Row, stored: Sequence[Row]) -> list[Row]:
        """Return the rows of findings that are stored, joined with what is known today."""
        said = [row["record"].get("reported", {}) | {"key": row["id"]} for row in stored]
        records = self.intelligence.records(_ids((s.get("vulnerability", ""), *s.get("aliases", ())) for s in said))
        now = utc_iso(self._clock.now())
        return [self._row(scan, each, records, now, row["id"]) for each, row in zip(said, stored, strict=True)]

    def _row(
        self, scan: Row, said: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]], now: str, row_id: str = ""
    ) -> Row:
        ids = [said["vulnerability"], *said.get("aliases", ())]
        record = next((records[name.upper()] for name in ids if name.upper() in records), None)
        talk = self.intelligence.talk()
        pulse = next((talk[name.upper()] for name in ids if name.upper() in talk), None)
        joined = joined_record(said, record, pulse)
        exploited = bool(joined["known_exploited"])
        shown = (said["vulnerability"], joined["title"], said["component"], said["location"], *said.get("aliases", ()))
        return {
            "id": row_id or str(uuid.uuid5(uuid.UUID(scan["id"]), said["key"])),
            "scan_id": scan["id"],
            "user_id": scan["user_id"],
            "vulnerability": said["vulnerability"],
            "severity": joined.pop("severity"),
            "known_exploited": "yes" if exploited else "no",
            "rank": rank_text(exploited, joined["priority"]),
            "component": said["component"],
            "location": said["location"],
            "search": " ".join(shown).casefold()[:_SEARCHED],
            "record": {**joined, "reported": {name: value for name, value in said.items() if name != "key"}},
            "updated_at": now,
        }


def reported(finding: Finding) -> dict[str, Any]:
    """Return what the scanner said, as it is kept: a later joining begins with it again."""
    told = {name: getattr(finding, name) for name in finding.__dataclass_fields__}
    told["aliases"], told["references"] = list(finding.aliases), list(finding.references)
    return {**told, "key": finding.key}


def joined_record(
    said: Mapping[str, Any], record: Mapping[str, Any] | None, pulse: Mapping[str, int] | None
) -> dict[str, Any]:
    """Return everything that is known of a finding, with its priority and reasons."""
    known = record or {}
    in_catalogue = bool(known.get("known_exploited"))
    epss = known.get("epss")
    own_epss = epss is None and said.get("epss") is not None
    joined: dict[str, Any] = {
        "severity": _severity(said, known),
        "title": said.get("title") or _text(known, "title") or said["vulnerability"],
        "known_exploited": in_catalogue or bool(said.get("known_exploited")),
        "exploited_says": "CISA's catalogue" if in_catalogue else said.get("tool") or "the scanner",
        "date_added": known.get("date_added") if in_catalogue else None,
        "due_date": known.get("due_date") if in_catalogue else None,
        "ransomware": bool(known.get("ransomware")),
        "epss": said.get("epss") if own_epss else epss,
        "percentile": said.get("percentile") if own_epss else known.get("percentile"),
        "epss_says": (said.get("tool") or "the scanner") if own_epss else None,
        "cvss": _cvss(said, known),
        "pulse": dict(pulse) if pulse else None,
        "threat_id": known.get("id"),
    }
    joined["priority"], joined["reasons"] = ranked(joined)
    if not joined["known_exploited"]:
        joined["exploited_says"] = None
    return joined


def _severity(said: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    own = str(said.get("severity") or "unknown")
    return own if own != "unknown" else severity(known.get("severity"))


def _cvss(said: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any] | None:
    """The threat record's, which is NVD's own; else the scanner's."""
    given = known.get("cvss")
    score = number(given.get("score") if isinstance(given, Mapping) else given, 10)
    if score is not None:
        vector = given.get("vector") if isinstance(given, Mapping) else None
        return {"score": score, "vector": vector or "", "says": None}
    if said.get("cvss_score") is None:
        return None
    return {"score": said["cvss_score"], "vector": said.get("cvss_vector") or "", "says": said.get("tool") or None}


def _text(known: Mapping[str, Any], name: str) -> str:
    value = known.get(name)
    return value if isinstance(value, str) else ""


def _ids(of_each: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for ids in of_each for name in ids if name))
