"""Threats as a STIX 2.1 bundle. Pure.

A CVE or advisory is a `vulnerability`, an event or family with indicators a `report` (STIX has no other object that
holds a publication together), each indicator that has a pattern an `indicator` that the report points to. What STIX
has no field for (EPSS, CVSS, priority) goes into a property extension that the bundle defines itself.
Ids are made from the contents, so that the same threat has the same id in every export.
Format: https://docs.oasis-open.org/cti/stix/v2.1/stix-v2.1.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from backend.dashboard.threats.merge import Entry, Record
from backend.sources.indicators import CONTEXT

_SPACE = uuid5(NAMESPACE_URL, "https://jupiter.invalid/stix")
_BORN = "2026-01-01T00:00:00.000Z"
_SCORES = ("priority", "severity", "epss", "percentile", "epss_date", "known_exploited", "ransomware", "due_date")
_VULNERABILITIES = ("CVE-", "GHSA-", "DEMO-")
_HASHES = {"md5": ("MD5", 32), "sha1": ("SHA-1", 40), "sha256": ("SHA-256", 64), "sha512": ("SHA-512", 128)}
_HEX = re.compile(r"[0-9a-fA-F]+")
_CUT = "\u2026"
_PATHS = {"domain": "domain-name:value", "hostname": "domain-name:value", "url": "url:value"}
_PATHS |= {"email": "email-message:from_ref.value", "filename": "file:name", "mutex": "mutex:name"}


def bundle(entries: Sequence[Entry], now: datetime) -> dict[str, Any]:
    """Return the bundle.

    Args:
        now: aware; the time of objects whose source gives none.
    """
    author = _object("identity", "jupiter", _BORN, _BORN, name="Jupiter", identity_class="system")
    extension = _extension(author["id"])
    objects: dict[str, dict[str, Any]] = {author["id"]: author, extension["id"]: extension}
    for entry in entries:
        for made in _threat(entry, _time(now), author["id"], extension["id"]):
            if "extensions" in made:  # a row: in its place and in full, also where a report has named it before
                objects.pop(made["id"], None)
            objects.setdefault(made["id"], made)
    name = ",".join(sorted(objects)) + _time(now)
    return {"type": "bundle", "id": f"bundle--{uuid5(_SPACE, name)}", "objects": list(objects.values())}


def _extension(author: str) -> dict[str, Any]:
    return _object(
        "extension-definition",
        "scores",
        _BORN,
        _BORN,
        created_by_ref=author,
        name="Jupiter scores",
        description="EPSS, CVSS, exploitation and the priority that follows from them, 0 to 100, with its reasons.",
        schema="https://jupiter.invalid/schemas/scores.json",
        version="1.0.0",
        extension_types=["property-extension"],
    )


def _threat(entry: Entry, now: str, author: str, extension: str) -> Iterator[dict[str, Any]]:
    record = entry.record
    times = _times(record, now)
    shared = {
        "created_by_ref": author,
        "name": record["id"] if record["id"].startswith(_VULNERABILITIES) else record["title"],
        "description": ". ".join(filter(None, (record["title"], record["summary"]))),
        "external_references": _references(record),
        "labels": [tag for tag in record["tags"] if tag],
        "extensions": {extension: {"extension_type": "property-extension", **_scores(record)}},
    }
    shared = {field: value for field, value in shared.items() if value not in ([], "")}
    if record["id"].startswith(_VULNERABILITIES):
        yield _object("vulnerability", record["id"], *times, **shared)
        return
    indicators = [made for each in entry.indicators if (made := _indicator(each, times, author)) is not None]
    yield from indicators
    refs = [made["id"] for made in indicators] + [_id("vulnerability", name) for name in record["related"]]
    yield from (_object("vulnerability", name, *times, name=name, created_by_ref=author) for name in record["related"])
    yield _object(
        "report", record["id"], *times, published=times[0], object_refs=refs or [author],
        report_types=["threat-report"], **shared,
    )  # fmt: skip


def _indicator(given: Mapping[str, str], times: tuple[str, str], author: str) -> dict[str, Any] | None:
    pattern = _pattern(given["type"], _fanged(given["value"]))
    if pattern is None:
        return None
    # what its author gives as context only (a resolver, a victim's address) must not be blocked by who reads this
    kind = "unknown" if given.get("use") == CONTEXT else "malicious-activity"
    return _object(
        "indicator", pattern, *times, created_by_ref=author, name=f"{given['type']}: {given['value']}"[:300],
        pattern=pattern, pattern_type="stix", valid_from=times[0], indicator_types=[kind],
    )  # fmt: skip


def _pattern(kind: str, value: str) -> str | None:
    """Return the pattern; programs match with it, so the value is as it is on the wire.

    What its kind cannot be (a hash that is too short, half an address) has none: one such pattern makes all of a bundle
    invalid for its reader.
    """
    if value.endswith(_CUT):
        return None
    if kind in _HASHES:
        name, length = _HASHES[kind]
        return f"[file:hashes.'{name}' = '{value}']" if len(value) == length and _HEX.fullmatch(value) else None
    if kind in ("ip", "ip:port"):
        without_port = value.rpartition(":")[0] if kind == "ip:port" else ""
        return _address(without_port) or _address(value)
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{_PATHS[kind]} = '{quoted}']" if kind in _PATHS else None


def _address(value: str) -> str | None:
    """Return the pattern of an address or a network, None where it is none."""
    plain = value.removeprefix("[").removesuffix("]")
    try:
        return f"[ipv{ip_network(plain, strict=False).version}-addr:value = '{plain}']"
    except ValueError:
        return None


def _fanged(value: str) -> str:
    plain = value.replace("[.]", ".").replace("[@]", "@").replace("[://]", "://")
    return re.sub(r"^hxxp(s?)://", r"http\1://", plain)


def _references(record: Record) -> list[dict[str, str]]:
    named = []
    for name in (record["id"], *record["aliases"]):
        if name.startswith("CVE-"):
            named.append({"source_name": "cve", "external_id": name})
        elif name.startswith("GHSA-"):
            named.append({"source_name": "ghsa", "external_id": name})
    named += [{"source_name": "cwe", "external_id": cwe} for cwe in record["cwes"]]
    return named + [{"source_name": "reference", "url": link} for link in record["references"]]


def _scores(record: Record) -> dict[str, Any]:
    scores = {field: record[field] for field in _SCORES if record[field] is not None}
    cvss = record["cvss"]
    if cvss:
        scores["cvss"] = {field: value for field, value in cvss.items() if value not in (None, "")}
    return {**scores, "priority_reasons": record["priority_reasons"] or ["nothing speaks for it"]}


def _times(record: Record, now: str) -> tuple[str, str]:
    told = [_time_of(record[field]) for field in ("published", "date_added", "updated")]
    known = sorted(time for time in told if time)
    return (known[0], known[-1]) if known else (now, now)


def _time_of(text: str | None) -> str | None:
    if not text:
        return None
    read = datetime.fromisoformat(text)
    return _time(read.replace(tzinfo=UTC) if read.tzinfo is None else read)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _object(kind: str, key: str, created: str, modified: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": _id(kind, key),
        "created": created,
        "modified": modified,
        **fields,
    }


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid5(_SPACE, f'{kind}:{name}')}"
