"""What the runs of a SARIF log say beside their results: who made them, rules, and the files by their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.scans.errors import UnreadableScanError
from backend.scans.finding import number
from backend.scans.json_walk import Found, tokens, walk
from backend.scans.reader import ScanFile, items, mapping
from backend.scans.text import ids_in, line, paragraph

VERSION = "2.1.0"
MOST = 100_000
_DRIVER = -1
_PATHS = {
    "version": ("version",),
    "tool": ("runs", "*", "tool", "driver", "name"),
    "rule": ("runs", "*", "tool", "driver", "rules", "*"),
    "extension": ("runs", "*", "tool", "extensions", "*", "rules", "*"),
    "artifact": ("runs", "*", "artifacts", "*", "location", "uri"),
}


@dataclass(slots=True)
class Rule:
    """What a run says about one of its rules.

    Args:
        ids: which vulnerabilities it is about.
        mentioned: ids in its longer text; they count where nothing else tells one.
    """

    id: str = ""
    title: str = ""
    description: str = ""
    ids: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    level: str = ""
    score: float | None = None
    help_uri: str = ""


@dataclass
class Surroundings:
    """Rules and files of all runs, by the run's place in the log."""

    tools: dict[int, str] = field(default_factory=dict)
    _by_id: dict[tuple[int, str], Rule] = field(default_factory=dict)
    _by_place: dict[tuple[int, int, int], Rule] = field(default_factory=dict)
    _files: dict[tuple[int, int], str] = field(default_factory=dict)

    def rule(self, run: int, result: Mapping[str, Any]) -> Rule:
        """Return the rule of a result, an empty one where there is none."""
        given = mapping(result.get("rule"))
        for name in _coarser(result.get("ruleId") or given.get("id")):
            if (run, name) in self._by_id:
                return self._by_id[run, name]
        at = result.get("ruleIndex", given.get("index"))
        component = mapping(given.get("toolComponent")).get("index", _DRIVER)
        if isinstance(at, int) and isinstance(component, int):
            return self._by_place.get((run, component, at), Rule())
        return Rule()

    def file(self, run: int, location: Mapping[str, Any]) -> str:
        """Return the address of an artifactLocation, which may name it by its place."""
        uri, at = location.get("uri"), location.get("index")
        if isinstance(uri, str) and uri:
            return uri
        return self._files.get((run, at), "") if isinstance(at, int) else ""

    def note(self, found: Found) -> None:
        """Take in what was found."""
        run = found.places[0]
        if found.kind == "tool":
            self.tools[run] = line(found.value, 100)
        elif found.kind == "artifact" and len(self._files) < MOST:
            self._files[run, found.places[1]] = line(found.value, 1000)
        elif found.kind in ("rule", "extension") and len(self._by_place) < MOST:
            said = mapping(found.value)
            rule = _rule(said)
            self._by_id.setdefault((run, str(said.get("id"))), rule)
            component = found.places[1] if found.kind == "extension" else _DRIVER
            self._by_place[run, component, found.places[-1]] = rule


def read_surroundings(file: ScanFile) -> Surroundings:
    """Read them.

    Raises:
        UnreadableScanError: it is not JSON, or of another version.
    """
    made = Surroundings()
    for found in walk(tokens(file.open()), _PATHS):
        if found.kind != "version":
            made.note(found)
        elif found.value != VERSION:
            raise UnreadableScanError(f"SARIF {line(found.value, 20) or 'of an unknown version'}; {VERSION} is read")
    file.tool = ", ".join(dict.fromkeys(filter(None, made.tools.values())))[:200]
    return made


def _coarser(name: Any) -> Iterator[str]:
    """A rule's name, and what it is a finer kind of (section 3.27.5): CA1000/1, CA1000."""
    rest = name if isinstance(name, str) else ""
    while rest:
        yield rest
        rest = rest.rpartition("/")[0]


def _rule(said: Mapping[str, Any]) -> Rule:
    properties = mapping(said.get("properties"))
    short, full = text_of(said.get("shortDescription")), text_of(said.get("fullDescription"))
    older = items(said.get("deprecatedIds"))
    texts = (said.get("id"), said.get("name"), *older, short, *items(properties.get("tags")))
    return Rule(
        id=line(said.get("id"), 200),
        title=line(short, 300) or line(said.get("name"), 300),
        description=paragraph(full if len(full) > 1 else text_of(said.get("help")), 4000),
        ids=tuple(found for text in texts for found in ids_in(text)),
        mentioned=tuple(ids_in(full)),
        level=str(mapping(said.get("defaultConfiguration")).get("level") or ""),
        score=number(properties.get("security-severity"), 10),
        help_uri=str(said.get("helpUri") or ""),
    )


def text_of(message: Any) -> str:
    """Return the text of a message or multiformatMessageString."""
    said = mapping(message)
    told = said.get("text") or said.get("markdown")
    return told if isinstance(told, str) else ""
