"""What a question asks for: records by id, a list of them, the state of the system."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_IDS = 8
MAX_SEARCH = 500
_ID = re.compile(
    r"\b(?:CVE|DEMO)-\d{4}-\d{4,7}\b|\bGHSA(?:-[23456789cfghjmpqrvwx]{4}){3}\b|\b(?:MAL|PYSEC|RUSTSEC)-\d{4}-\d+\b",
    re.IGNORECASE,
)
# Models and editors write other dashes, often the one at which no line breaks.
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D], "-")
_STATUS = re.compile(r"\b(status|health|healthy|outage|degraded|circuit|breakers?|working)\b", re.IGNORECASE)
_STATE_OF_US = re.compile(
    r"\b(features?|sources?|dashboard|systems?|jupiter|wrong|errors?|failing|down)\b", re.IGNORECASE
)
_PULSE = re.compile(
    r"\b(community|pulse|talk\w*|discuss\w*|trend\w*|buzz|news|headlines?|topics?|rising)\b", re.IGNORECASE
)
_NEWEST = re.compile(r"\b(new|newest|latest|recent|recently|today|this week|added)\b", re.IGNORECASE)
_TOP = re.compile(
    r"\b(top|worst|urgent|critical|dangerous|important|priorit\w*|likely|likeliest|exploited|biggest|first|attention"
    r"|matters?|focus|worr\w+|concern\w*)\b",
    re.IGNORECASE,
)
_RANSOMWARE = re.compile(r"\bransom\w*", re.IGNORECASE)
_ASKING = re.compile(
    "|".join(pattern.pattern for pattern in (_NEWEST, _TOP, _RANSOMWARE)) + r"|\b(right now|patched?|first|kev)\b",
    re.IGNORECASE,
)
_THREATS = re.compile(r"\b(threats?|vulnerabilit\w+|cves?|exploit\w*|advisor\w+|kev|patch\w*)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A question, read.

    Args:
        text: as asked.
        ids: record ids that it names, in capitals where ids are written so.
        search: the question without ids and without the words that say which list is wanted.
    """

    text: str
    ids: tuple[str, ...]
    search: str
    about_status: bool
    about_pulse: bool
    newest: bool
    top: bool
    ransomware: bool


def read_question(text: str) -> Question:
    """Return what `text` asks for."""
    ids = ids_in(text)[:MAX_IDS]
    rest = _ID.sub(" ", with_hyphens(text))
    about_threats = bool(_THREATS.search(rest))
    about_status = bool(_STATUS.search(rest) or (_STATE_OF_US.search(rest) and not about_threats and not ids))
    return Question(
        text=text,
        ids=tuple(ids),
        search=""
        if (about_status or _PULSE.search(rest)) and not about_threats
        else " ".join(_ASKING.sub(" ", rest).split())[:MAX_SEARCH],
        about_status=about_status,
        about_pulse=not ids and bool(_PULSE.search(rest)),
        newest=not ids and bool(_NEWEST.search(rest)),
        top=not ids and bool(_TOP.search(rest)),
        ransomware=not ids and bool(_RANSOMWARE.search(rest)),
    )


def ids_in(text: str) -> list[str]:
    """Return the record ids in a text, each once, in the order of their first appearance."""
    return list(dict.fromkeys(normal_id(match) for match in _ID.findall(with_hyphens(text))))


def with_hyphens(text: str) -> str:
    """Return a text with hyphens in place of all other dashes."""
    return text.translate(_DASHES)


def normal_id(name: str) -> str:
    """Return an id as its issuer writes it: all capitals, but for GHSA's lower-case blocks."""
    return "GHSA" + name[4:].lower() if name[:4].upper() == "GHSA" else name.upper()
