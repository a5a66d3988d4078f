"""Finds what the local data holds on a question; the model's answer and the local answer rest on the same finds."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from backend.dashboard.chat.questions import Question, ids_in, normal_id, read_question, with_hyphens
from backend.dashboard.chat.words import STOP
from backend.llm.prompts import clean

MAX_FOUND = 8
MAX_TOPICS = 8
SHORTEST_NAME = 3
NEWEST_TITLES = 3
MANY = 60
ALL = 10_000

_log = logging.getLogger("jupiter.chat")

Record = Mapping[str, Any]
T = TypeVar("T")


class ThreatsFind(Protocol):
    """Searches the threat records; ThreatService.find does."""

    def __call__(self, *, text: str = "", ids: Sequence[str] = (), limit: int = 10) -> Sequence[Record]:
        """Return records by id, by the words of a text, or the first of all; each with its `as_of`."""


@dataclass(frozen=True)
class Grounding:
    """What the local data holds on a question.

    Args:
        question: the question, read.
        records: the records that matter, the most relevant first.
        missing: ids that the question names and no record has.
        total: how many records there are at all.
        status: the system's state.
        pulse: what the community talks about, the payload of pulse_update with the topics that the question is about.
    """

    question: Question
    records: Sequence[Record] = ()
    missing: Sequence[str] = ()
    total: int = 0
    status: Mapping[str, Any] = field(default_factory=dict)
    pulse: Mapping[str, Any] = field(default_factory=dict)

    def sources(self) -> list[dict[str, Any]]:
        """Return the records as the sources of an answer."""
        return [source_of(record) for record in self.records]

    def facts(self) -> list[str]:
        """Return the system's state and the community's topics as lines for the model."""
        dated = [f"Threat records as of {self.as_of}"] if self.as_of else []
        return [*dated, *status_lines(self.status), *pulse_lines(self.pulse)]

    @property
    def as_of(self) -> str | None:
        """When the records were fetched, None where nobody knows."""
        return next((str(record["as_of"]) for record in self.records if record.get("as_of")), None)


class Retrieval:
    """Looks a question up.

    Args:
        threats_find: searches the threat records.
        status: returns the payload of status_update.
        pulse: returns the payload of pulse_update.
    """

    def __init__(
        self,
        threats_find: ThreatsFind,
        status: Callable[[], Mapping[str, Any]],
        pulse: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._threats_find = threats_find
        self._status = status
        self._pulse = pulse

    def gather(self, text: str) -> Grounding:
        """Return what there is on a question; a part that fails is left out and logged."""
        question = read_question(text)
        everything = self._find(limit=ALL)
        records = self._records(question, everything)
        known = {name for record in records for name in names_of(record)}
        return Grounding(
            question,
            records[:MAX_FOUND],
            [name for name in question.ids if name not in known],
            len(everything),
            _tried(self._status, {}),
            talk_about(question, _tried(self._pulse, {})),
        )

    def known(self, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records of these ids, by id."""
        found = self._find(ids=list(ids), limit=len(ids)) if ids else ()
        return {name: record for record in found for name in names_of(record) if name in ids}

    def _records(self, question: Question, everything: Sequence[Record]) -> Sequence[Record]:
        if question.ids:
            return self._find(ids=question.ids, limit=len(question.ids))
        listed = question.newest or question.top or question.ransomware
        wanted = MANY if listed else MAX_FOUND
        pool = self._find(text=question.search, limit=wanted) if question.search else ()
        pool = pool or _containing(everything, question.search)
        if question.ransomware:
            pool = _by_ransomware(pool) or _by_ransomware(everything)
        if listed:
            return sorted(pool or everything, key=_added if question.newest else _danger, reverse=True)
        return pool

    def _find(self, **query: Any) -> Sequence[Record]:
        return _tried(lambda: self._threats_find(**query), ())


def _tried(func: Callable[[], T], otherwise: T) -> T:
    try:
        return func()
    except Exception:  # noqa: BLE001 - an answer that lacks a part is better than none
        _log.exception("❌ A part of the local data could not be read for the chat")
        return otherwise


def _containing(records: Sequence[Record], text: str) -> list[Record]:
    """Return the records that contain every telling word, also within a longer one: log4j in Log4j2."""
    words = [word for word in re.findall(r"[\w.+#-]{3,}", text.casefold()) if word not in STOP]
    return [record for record in records if all(word in _text(record) for word in words)] if words else []


def _text(record: Record) -> str:
    return " ".join(str(record.get(name) or "") for name in ("title", "vendor", "product", "summary")).casefold()


def _added(record: Record) -> str:
    return str(record.get("date_added") or record.get("published") or "")


def _by_ransomware(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.get("ransomware") is True]


def _danger(record: Record) -> tuple[float, bool, float, str]:
    """By the priority that the list is ordered by, so that chat and panel name the same first."""
    return _number(record, "priority"), bool(record.get("known_exploited")), _number(record, "epss"), _added(record)


def _number(record: Record, name: str) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else -1.0


def names_of(record: Record) -> list[str]:
    """Return a record's id and its aliases, as ids are found in texts."""
    aliases = record.get("aliases")
    names = (record.get("id"), *(aliases if isinstance(aliases, list | tuple) else ()))
    return [normal_id(str(name)) for name in names]


def source_of(record: Record) -> dict[str, Any]:
    """Return a record as an entry of an answer's sources."""
    return {
        "id": clean(record.get("id"), 60),
        "title": clean(record.get("title"), 200),
        "url": _link(record),
        "as_of": record.get("as_of"),
    }


def _link(record: Record) -> str | None:
    name = str(record.get("id") or "")
    if name.startswith("CVE-"):
        return f"https://nvd.nist.gov/vuln/detail/{quote(name)}"
    references = record.get("references")
    for reference in references if isinstance(references, list | tuple) else ():
        url = reference.get("url") if isinstance(reference, Mapping) else reference
        if isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= 500:
            return url
    return None


def cited(text: str, grounding: Grounding, retrieval: Retrieval) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the sources that an answer names, and the ids in it that no record has.

    An id that the person wrote is no invention of the model's, whether it is known or not.
    """
    found = {name: record for record in grounding.records for name in names_of(record)}
    written = with_hyphens(text).upper()
    named = ids_in(text)[:50] + [name for name in found if not ids_in(name) and name in written]
    found |= retrieval.known([name for name in named if name not in found])
    unique = {str(found[name].get("id")): found[name] for name in named if name in found}
    unknown = [name for name in named if name not in found and name not in grounding.question.ids]
    return [source_of(record) for record in unique.values()], unknown


def unknown_in(rows: Sequence[Mapping[str, Any]], retrieval: Retrieval) -> dict[str, list[str]]:
    """Return, by the id of each answer in a conversation, the ids in it that no record has today; see `cited`."""
    asked = {name for row in rows if row["role"] == "user" for name in ids_in(row["content"])}
    answers = {row["id"]: ids_in(row["content"])[:50] for row in rows if row["role"] == "assistant"}
    named = list(dict.fromkeys(name for names in answers.values() for name in names if name not in asked))
    known = retrieval.known(named)
    unknown = {
        message: [name for name in names if name in named and name not in known] for message, names in answers.items()
    }
    return {message: names for message, names in unknown.items() if names}


def status_lines(status: Mapping[str, Any]) -> list[str]:
    """Return the state of the system, a line a fact."""
    lines = [f"Health of the system: {status['health']}"] if status.get("health") else []
    features = status.get("features")
    for name, state in features.items() if isinstance(features, Mapping) else ():
        enabled = "on" if state.get("enabled") else "off"
        reason = f" ({state['reason']})" if state.get("reason") else ""
        lines.append(f"Feature {name}: {enabled}{reason}, circuit breaker {state.get('circuit_breaker', 'closed')}")
    errors = status.get("errors")
    if isinstance(errors, Mapping) and "total_errors" in errors:
        lines.append(f"Errors in the last hour: {errors['total_errors']}")
    return lines


def talk_about(question: Question, pulse: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pulse less what the question is not about; one that asks for the talk is about all topics."""
    topics = list(pulse.get("topics") or ())
    if not question.about_pulse:
        text = " ".join(["", *re.findall(r"[\w.+#-]+", question.text.casefold()), ""])
        topics = [topic for topic in topics if _is_asked(topic, question, text)]
    return {**pulse, "topics": topics} if topics else {}


def _is_asked(topic: Mapping[str, Any], question: Question, text: str) -> bool:
    name = str(topic.get("topic") or "").casefold()
    if any(one in question.ids for one in (name.upper(), *(topic.get("threat_ids") or ()))):
        return True
    return topic.get("kind") != "cve" and len(name) >= SHORTEST_NAME and f" {name} " in text


def pulse_lines(pulse: Mapping[str, Any]) -> list[str]:
    """Return what the community talks about, a line a topic, with its age where it is not live."""
    topics = list(pulse.get("topics") or ())[:MAX_TOPICS]
    if not topics:
        return []
    age = "" if pulse.get("status") == "live" else f" ({pulse.get('message') or 'not live'})"
    heading = f"Talked about most in the last {pulse.get('window', '24h')}{age}:"
    return [heading, *(_topic_line(topic) for topic in topics)]


def _topic_line(topic: Mapping[str, Any]) -> str:
    items = list(topic.get("items") or ())[:NEWEST_TITLES]
    titles = "; ".join(
        f"{item.get('title')} ({item.get('source')}, {str(item.get('published'))[:10]})" for item in items
    )
    latest = f", latest: {titles}" if titles else ""
    records = ", ".join((topic.get("threat_ids") or ())[:NEWEST_TITLES])
    named = f", records: {records}" if records else ""
    return f"{topic.get('topic')}: {topic.get('mentions')} mentions in {topic.get('sources')} sources{named}{latest}"
