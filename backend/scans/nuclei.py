"""Nuclei: JSON lines (`-jsonl`) or one list (`-json-export`). Fields: projectdiscovery/nuclei, type ResultEvent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from backend.scans.errors import UnreadableScanError
from backend.scans.finding import Finding, make_finding
from backend.scans.json_walk import tokens, walk
from backend.scans.reader import ScanFile, items, lines, mapping

LONGEST_LINE = 2_097_152  # a result may carry the whole request and response


class NucleiReader:
    """One result a line; a line that cannot be read is left out and counted, unless none can."""

    name = "nuclei"
    title = "Nuclei"
    passes = 1

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        file.tool = "Nuclei"
        for said in _results(file):
            if said.get("matcher-status") is False:
                file.left_out["results that did not match"] += 1
                continue
            made = _finding(said)
            if made is None:
                file.left_out["records without an id"] += 1
            else:
                yield made


def _results(file: ScanFile) -> Iterator[Mapping[str, Any]]:
    beginning = file.open().read(65_536).lstrip()
    if beginning.startswith(b"["):
        for found in walk(tokens(file.open()), {"result": ("*",)}):
            yield mapping(found.value)
    elif beginning.partition(b"\n")[0].strip() == b"{":  # one or more results, each spread over several lines
        for found in walk(tokens(file.open(), several=True), {"result": ()}):
            yield mapping(found.value)
    else:
        yield from _of_lines(file)


def _of_lines(file: ScanFile) -> Iterator[Mapping[str, Any]]:
    read = 0
    for raw in lines(file.open(), LONGEST_LINE):
        said = _line(raw)
        if said is None:
            file.left_out["lines that cannot be read"] += 1
        else:
            read += 1
            yield said
    if not read:
        raise UnreadableScanError("no line of it is a JSON object")


def _line(raw: bytes | None) -> Mapping[str, Any] | None:
    try:
        said = orjson.loads(raw or b"")
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None


def _finding(said: Mapping[str, Any]) -> Finding | None:
    info = mapping(said.get("info"))
    known = mapping(info.get("classification"))
    name = said.get("template-id") or said.get("templateID")
    matcher = said.get("matcher-name")
    return make_finding(
        name,
        ids=_listed(known.get("cve-id")),
        title=f"{info.get('name')} ({matcher})" if matcher else info.get("name"),
        description=info.get("description"),
        severity=info.get("severity"),
        component=said.get("host"),
        location=said.get("matched-at") or said.get("url") or said.get("host"),
        cvss_score=known.get("cvss-score"),
        cvss_vector=known.get("cvss-metrics"),
        epss=known.get("epss-score"),
        percentile=known.get("epss-percentile"),
        fixed_version="",
        references=_listed(info.get("reference")),
        tool="Nuclei",
    )


def _listed(value: Any) -> list[Any]:
    """Lists of one are written as text by some versions."""
    return [value] if isinstance(value, str) else items(value)
