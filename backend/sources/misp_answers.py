"""Reading a MISP feed: manifest, list of hashes, and events, whose indicators sit in Attribute and Object[].Attribute.

Pure: runs in a native thread. Format: https://www.misp-project.org/datamodels/ (MISP core format).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backend.errors import NetworkError
from backend.sources.base import Fragment
from backend.sources.body import DocumentError
from backend.sources.dates import day
from backend.sources.documents import expect_object, load_json
from backend.sources.identifiers import record_id
from backend.sources.indicators import CONTEXT, MOST, distinct, indicator
from backend.sources.instants import epoch
from backend.sources.links import web_link
from backend.sources.text import plain

MANIFEST, EVENT = "the manifest of a MISP feed", "an event of a MISP feed"
_KINDS = {
    **{name: name for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "ssdeep", "imphash", "tlsh")},
    **{name: name for name in ("domain", "hostname", "url", "filename", "mutex", "regkey", "yara", "user-agent")},
    "ip-src": "ip",
    "ip-dst": "ip",
    "ip-src|port": "ip:port",
    "ip-dst|port": "ip:port",
    "btc": "wallet",
    "email": "email",
    "email-src": "email",
    "email-dst": "email",
    "email-reply-to": "email",
    "uri": "url",
}
_PAIRS = {"malware-sample": "filename|md5"}
"""Types whose values are two without their name saying so."""
_LEVELS = {"1": "high", "2": "medium", "3": "low"}
_MOST_TAGS, _MOST_LINKS = 20, 20


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of an event or of an object in it; `wanted` is MISP's to_ids."""

    type: str
    value: str
    wanted: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as a record, with all its attributes; `missing` are values that the feed's hashes promise beside."""

    name: str
    fragment: Fragment
    attributes: tuple[Attribute, ...]
    missing: int = 0


def parse_manifest(body: bytes) -> dict[str, int]:
    """Return the time of the last change of each event, by its uuid.

    Raises:
        NetworkError: it is something else.
    """
    document = expect_object(load_json(body), MANIFEST)
    found: dict[str, int] = {}
    for name, event in document.items():
        changed = epoch(event.get("timestamp")) if isinstance(event, dict) and _is_uuid(name) else None
        if changed is not None:
            found[name.lower()] = int(changed.timestamp())
    if document and not found:
        raise NetworkError("no event", message=f"The answer is JSON, but not {MANIFEST}.")
    return found


def parse_hashes(body: bytes) -> dict[str, frozenset[str]]:
    """Return the MD5 of each value by the event that has it: a line of hashes.csv is `md5,uuid`."""
    found: dict[str, set[str]] = {}
    for line in body.decode("ascii", "replace").splitlines():
        value, mark, uuid = line.strip().lower().partition(",")
        if mark:
            found.setdefault(uuid, set()).add(value)
    return {uuid: frozenset(values) for uuid, values in found.items()}


def parse_event(body: bytes, hashes: Mapping[str, frozenset[str]] | None = None) -> Event:
    """Read an event.

    Args:
        hashes: see `parse_hashes`; tells whether the event is whole.

    Raises:
        DocumentError: it is something else.
    """
    event = expect_object(load_json(body), EVENT).get("Event")
    uuid = str(event.get("uuid", "")).lower() if isinstance(event, dict) else ""
    if not isinstance(event, dict) or not _is_uuid(uuid):
        raise DocumentError("no event", message=f"The answer is JSON, but not {EVENT}.")
    attributes = tuple(_attributes(event))
    found = distinct(_indicators(attributes))
    changed = epoch(event.get("timestamp")) or epoch(event.get("publish_timestamp"))
    fragment = {
        "title": plain(event.get("info"), 300) or f"MISP event {uuid}",
        "rated": _LEVELS.get(str(event.get("threat_level_id"))),
        "published": day(event.get("date")),
        "updated": (changed or datetime(1970, 1, 1, tzinfo=UTC)).isoformat(),
        "summary": _summary(event, attributes),
        "related": _vulnerabilities(attributes),
        "references": _links(attributes),
        "tags": _tags(event.get("Tag")),
        "indicators": found[:MOST],
        "indicator_count": len(found),
    }
    return Event(event_id(uuid), fragment, attributes, len((hashes or {}).get(uuid, frozenset()) - _hashed(attributes)))


def _hashed(attributes: tuple[Attribute, ...]) -> frozenset[str]:
    """Return the MD5 of every value, and of the halves of those that have two."""
    values = {part for each in attributes for part in (each.value, *each.value.split("|"))}
    return frozenset(hashlib.md5(value.encode(), usedforsecurity=False).hexdigest() for value in values)


def event_id(uuid: str) -> str:
    """Return the record's id of an event."""
    return f"MISP-{uuid.upper()}"


def _attributes(event: dict[str, Any]) -> Iterator[Attribute]:
    objects = (each for each in _list(event.get("Object")) if isinstance(each, dict))
    holders = [event, *(each for each in objects if not each.get("deleted"))]
    for holder in holders:
        for each in _list(holder.get("Attribute")):
            if isinstance(each, dict) and isinstance(each.get("value"), str) and not each.get("deleted"):
                comment = plain(each.get("comment"), 200)
                yield Attribute(str(each.get("type", "")), each["value"], each.get("to_ids") is True, comment)


def _indicators(attributes: tuple[Attribute, ...]) -> Iterator[dict[str, str] | None]:
    """Yield what may be looked for, those that are meant for detection first; the others say that they are not."""
    for attribute in sorted(attributes, key=lambda each: not each.wanted):
        for kind, value in _named(attribute):
            found = indicator(kind, value)
            yield found if found is None or attribute.wanted else {**found, "use": CONTEXT}


def _named(attribute: Attribute) -> Iterator[tuple[str, str]]:
    """Yield kinds and values of an attribute; filename|sha1 and domain|ip are two, an address with its port is one."""
    if attribute.type in _KINDS:
        kind = _KINDS[attribute.type]
        yield kind, attribute.value.replace("|", ":") if kind == "ip:port" else attribute.value
        return
    kinds, values = _PAIRS.get(attribute.type, attribute.type).split("|"), attribute.value.split("|")
    if len(kinds) == len(values) == 2:
        for name, value in zip(kinds, values, strict=True):
            kind = "ip" if name == "ip" else _KINDS.get(name, "")
            if kind:
                yield kind, value


def _vulnerabilities(attributes: tuple[Attribute, ...]) -> list[str]:
    named = (record_id(each.value) for each in attributes if each.type == "vulnerability")
    return list(dict.fromkeys(name for name in named if name))


def _links(attributes: tuple[Attribute, ...]) -> list[str]:
    links = (web_link(each.value) for each in attributes if each.type == "link")
    return list(dict.fromkeys(link for link in links if link))[:_MOST_LINKS]


def _summary(event: dict[str, Any], attributes: tuple[Attribute, ...]) -> str:
    """Return what the event says in words: its own comments and texts, then who published it."""
    told = [plain(each.value, 1500) for each in attributes if each.type == "comment"]
    owner = event.get("Orgc")
    by = plain(owner.get("name"), 80) if isinstance(owner, dict) else ""
    return " ".join([*dict.fromkeys(told), f"{len(attributes)} attributes{f', published by {by}' if by else ''}."])


def _tags(value: Any) -> list[str]:
    named = (plain(tag.get("name"), 120) for tag in _list(value) if isinstance(tag, dict))
    return list(dict.fromkeys(_spoken(name) for name in named if name))[:_MOST_TAGS]


def _spoken(tag: str) -> str:
    """Return `Keylogging - T1056.001` for `misp-galaxy:mitre-attack-pattern="Keylogging - T1056.001"`."""
    _, mark, value = tag.partition("=")
    return value.strip('"') if mark and tag.startswith("misp-galaxy:") else tag


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True
