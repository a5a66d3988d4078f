"""A plain list: ids of vulnerabilities in lines, wherever in the line they stand; what follows a # is a comment."""

from __future__ import annotations

from collections.abc import Iterator

from backend.scans.errors import UnreadableScanError
from backend.scans.finding import Finding, make_finding
from backend.scans.reader import ScanFile, lines, refuse_nul
from backend.scans.text import ids_in

LONGEST_LINE = 1_048_576  # all ids may stand in one line


class CveListReader:
    """Each id is a finding; a line without one is left out and counted."""

    name = "cve_list"
    title = "List of CVE ids"
    passes = 1

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        read = 0
        for raw in lines(file.open(), LONGEST_LINE):
            refuse_nul(raw or b"")
            text = (raw or b"").decode("utf-8", "replace").partition("#")[0]
            ids = ids_in(text, LONGEST_LINE)
            if not ids and (raw is None or text.strip()):
                file.left_out["lines without an id"] += 1
            for name in ids:
                read += 1
                made = make_finding(name)
                if made is not None:
                    yield made
        if not read:
            raise UnreadableScanError("there is no CVE id in it")
