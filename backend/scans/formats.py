"""Which formats there are, and telling them apart by how a file begins."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import islice
from typing import Any

import ijson

from backend.errors import ValidationError
from backend.scans.cve_list import CveListReader
from backend.scans.cyclonedx import CycloneDxReader
from backend.scans.errors import UnknownFormatError
from backend.scans.grype import GrypeReader
from backend.scans.nuclei import NucleiReader
from backend.scans.reader import UTF8_MARK, Reader
from backend.scans.sarif import SarifReader
from backend.scans.text import ids_in
from backend.scans.trivy import TrivyReader

READERS: Mapping[str, Reader] = {
    reader.name: reader
    for reader in (SarifReader(), TrivyReader(), GrypeReader(), NucleiReader(), CycloneDxReader(), CveListReader())
}
FORMATS = tuple(READERS)
OPENING = 262_144  # bytes that are looked at
_MARKS = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"<", "XML or HTML"),
)


def detect(opening: bytes) -> str:
    """Return the name of the format that a file has which begins like this.

    Raises:
        UnknownFormatError: it is none that is read here; the detail says what it seems to be.
    """
    body = opening.removeprefix(UTF8_MARK).lstrip()
    if not body:
        raise UnknownFormatError("the file is empty")
    for mark, what in _MARKS:
        if body.startswith(mark):
            raise UnknownFormatError(f"the file is {what}: save it as plain JSON or text in UTF-8")
    if b"\x00" in body[:4096]:
        raise UnknownFormatError("the file is not text in UTF-8")
    found = _by_members(body) if body[:1] in b"{[" else _by_lines(body)
    if found is None:
        raise UnknownFormatError("none of the marks of a known format is at its beginning")
    return found


def format_of(opening: bytes, said: str = "") -> str:
    """Return the name of the format of a file that begins like this.

    Args:
        said: the format that it is said to have. Ids may be picked out of any text; else what it is decides.

    Raises:
        UnknownFormatError: it is none that is read here, or plainly another one than said.
        ValidationError: there is no such format.
    """
    if not said:
        return detect(opening)
    reader = reader_of(said)
    if said != CveListReader.name:
        try:
            found = READERS[detect(opening)]
        except UnknownFormatError:
            return (
                said  # its beginning may be unusual; a report that has nothing of the format is refused by the reading
            )
        if found is not reader:
            raise UnknownFormatError(f"it is said to be {reader.title} and is {found.title}")
    return said


def looks_like(opening: bytes, name: str) -> bool:
    """Tell whether a file that begins like this has the marks of a format."""
    try:
        return detect(opening) == name
    except UnknownFormatError:
        return False


def reader_of(name: str) -> Reader:
    """Return the reader of a format.

    Raises:
        ValidationError: there is none of that name.
    """
    try:
        return READERS[name]
    except KeyError:
        raise ValidationError("format", details={"format": [f"Must be one of {', '.join(FORMATS)}."]}) from None


def _by_members(body: bytes) -> str | None:
    if body[:1] == b"[":
        members = _members(body, depth=2)
        return "nuclei" if "template-id" in members or "templateID" in members else None
    members = _members(body, depth=1)
    if members.get("bomFormat") == "CycloneDX":
        return "cyclonedx"
    if "template-id" in members or "templateID" in members:
        return "nuclei"
    if "runs" in members or "sarif" in str(members.get("$schema", "")):
        return "sarif"
    if "matches" in members:
        return "grype"
    return "trivy" if "Results" in members or {"SchemaVersion", "ArtifactName"} <= members.keys() else None


def _members(body: bytes, *, depth: int) -> dict[str, Any]:
    """Return the members, with their plain values, that the outermost object (or a list's objects) begins with."""
    found: dict[str, Any] = {}
    level, name = 0, ""
    try:
        for event, value in islice(ijson.basic_parse(io.BytesIO(body), use_float=True), 200_000):
            if event in ("start_map", "start_array"):
                level += 1
            elif event in ("end_map", "end_array"):
                level -= 1
            elif level == depth and event == "map_key":
                name = value
                found.setdefault(name, None)
            elif level == depth and found.get(name) is None:
                found[name] = value
    except (ijson.JSONError, ValueError, OverflowError, SystemError):
        return found  # only its beginning is here, so it breaks off; what it is worth is for the reader to say
    return found


def _by_lines(body: bytes) -> str | None:
    for raw in body.splitlines()[:50]:
        text = raw.decode("utf-8", "replace").partition("#")[0].strip()
        if text:
            return "cve_list" if ids_in(text) else None
    return None
