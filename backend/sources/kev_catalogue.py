"""Reading CISA's catalogue of known exploited vulnerabilities, tolerantly. Pure: runs in a native thread.

Format: https://github.com/cisagov/kev-data/blob/develop/kev_schema.json. What the catalogue really holds: blanks around
values, records without cwes, due dates before the date of adding, references as one text between semicolons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from backend.errors import NetworkError
from backend.sources.base import Fragment
from backend.sources.dates import day
from backend.sources.documents import expect_object, load_json
from backend.sources.identifiers import record_id
from backend.sources.instants import iso
from backend.sources.links import web_link
from backend.sources.text import plain

WHAT = "a catalogue of known exploited vulnerabilities"
_URL = re.compile(r"https?://[^\s;,<>\"']+")
_CWE = re.compile(r"CWE-\d+")
_MOST_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What was read: fragments by id, how many records could not be, and when it was released, in ISO 8601."""

    fragments: dict[str, Fragment]
    skipped: int
    released: str | None = None


def parse_catalogue(body: bytes) -> Catalogue:
    """Read the catalogue.

    Raises:
        NetworkError: it is something else, cut off, or without one record that can be used.
    """
    document = expect_object(load_json(body), WHAT)
    records = document.get("vulnerabilities")
    if not isinstance(records, list):
        raise NetworkError("no vulnerabilities list", message=f"The answer is JSON, but not {WHAT}.")
    _check_count(document.get("count"), len(records))
    fragments: dict[str, Fragment] = {}
    for record in records:
        read = _read(record)
        if read is not None:
            fragments.setdefault(*read)
    if not fragments:
        raise NetworkError(
            f"none of {len(records)} records can be used", message="The catalogue has no record that can be used."
        )
    return Catalogue(fragments, len(records) - len(fragments), iso(document.get("dateReleased")))


def _check_count(told: Any, found: int) -> None:
    if isinstance(told, int) and found < told:
        raise NetworkError(
            f"{found} of {told} records", message=f"The catalogue is cut off: {found:,} of {told:,} records arrived."
        )


def _read(record: Any) -> tuple[str, Fragment] | None:
    """Return id and fragment, None for what is no record."""
    if not isinstance(record, dict) or (name := record_id(record.get("cveID"))) is None:
        return None
    vendor, product = plain(record.get("vendorProject"), 120), plain(record.get("product"), 200)
    title = plain(record.get("vulnerabilityName"), 300) or f"{vendor} {product}".strip()
    if not title:
        return None
    added = day(record.get("dateAdded"))
    fragment = {
        "title": title,
        "summary": plain(record.get("shortDescription"), 4000) or None,
        "vendor": vendor or None,
        "product": product or None,
        "known_exploited": True,
        # "Unknown" means that CISA lacks confirmation, which is not a no
        "ransomware": True if plain(record.get("knownRansomwareCampaignUse"), 20).lower() == "known" else None,
        "required_action": plain(record.get("requiredAction"), 2000) or None,
        "due_date": day(record.get("dueDate")),
        "date_added": added,
        "cwes": _cwes(record.get("cwes")),
        "references": _references(name, record.get("notes")),
    }
    return name, fragment


def _cwes(value: Any) -> list[str]:
    named = [plain(cwe, 20).upper() for cwe in value] if isinstance(value, list) else []
    return list(dict.fromkeys(cwe for cwe in named if _CWE.fullmatch(cwe)))


def _references(name: str, notes: Any) -> list[str]:
    found = [web_link(url.rstrip(".)")) for url in _URL.findall(notes)] if isinstance(notes, str) else []
    links = dict.fromkeys(link for link in found if link)
    if name.startswith("CVE-"):
        links.setdefault(f"https://nvd.nist.gov/vuln/detail/{name}")
    return list(links)[:_MOST_REFERENCES]
