"""Full-text search over the threats: SQLite's FTS5 in memory, beside the records.

Not in the database: the records live in memory, and have to be found also while the database is away. So the index
lives where they do, is made anew from them in a second, and is the same whichever database there is.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping

from backend.dashboard.threats.merge import Entry

_COLUMNS = ("names", "title", "product", "tags", "summary", "indicators")
_INSERT = "INSERT INTO threats (rowid, names, title, product, tags, summary, indicators) VALUES (?,?,?,?,?,?,?)"
_WEIGHTS = (12.0, 6.0, 5.0, 3.0, 1.0, 2.0)
_TERM = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_ADDRESS = re.compile(r"^http(s?)://", re.IGNORECASE)  # indicators are held defanged
_TELLING = re.compile(r"\w")
MOST_TERMS = 12
_SEARCHED_SUMMARY = 2000


class ThreatIndex:
    """Finds threats by words. Every method runs in a native thread, and no two at a time: see to that outside.

    A search in the middle of `hold` would find only what is written already.

    Raises:
        sqlite3.Error: this SQLite was built without FTS5.
    """

    def __init__(self) -> None:
        self._held: dict[str, Entry] = {}
        self._rows: dict[str, int] = {}
        self._next = 1
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute(
            f"CREATE VIRTUAL TABLE threats USING fts5({', '.join(_COLUMNS)}, "
            "tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')"
        )

    def hold(self, entries: Mapping[str, Entry]) -> int:
        """Make the index that of these entries; return how many were written, which is those that changed."""
        gone = [name for name in self._held if name not in entries]
        changed = [(name, entry) for name, entry in entries.items() if self._held.get(name) is not entry]
        rows, following = dict(self._rows), self._next
        with self._connection:  # commits, or takes everything back where one record cannot be written
            self._connection.execute("BEGIN")
            for name in (*gone, *(name for name, _ in changed)):
                row = rows.pop(name, None)
                if row is not None:
                    self._connection.execute("DELETE FROM threats WHERE rowid = ?", (row,))
            for name, entry in changed:
                self._connection.execute(_INSERT, (following, *_texts(entry)))
                rows[name] = following
                following += 1
        self._rows, self._next, self._held = rows, following, dict(entries)
        return len(changed)

    def search(self, text: str) -> dict[str, float]:
        """Return the ids of the threats that have all words, with their rank, the smaller the better.

        Args:
            text: words, each also as the beginning of a longer one; "several words" beside each other; -without.
        """
        question = _question(text)
        if question is None:
            return {}
        found = self._connection.execute(
            f"SELECT rowid, bm25(threats, {', '.join(map(str, _WEIGHTS))}) FROM threats WHERE threats MATCH ?",  # noqa: S608 - numbers of ours
            (question,),
        ).fetchall()
        names = {row: name for name, row in self._rows.items()}
        return {names[row]: rank for row, rank in found if row in names}


def _texts(entry: Entry) -> tuple[str, ...]:
    record = entry.record
    return (
        " ".join((record["id"], *record["aliases"], *record["related"], *record["cwes"])),
        record["title"],
        f"{record['vendor'] or ''} {record['product'] or ''}",
        " ".join(record["tags"]),
        (record["summary"] or "")[:_SEARCHED_SUMMARY],
        " ".join(each["value"] for each in entry.indicators),
    )


def _question(text: str) -> str | None:
    """Return the question in FTS5's language, None where nothing can be searched for.

    Every term goes in as a quoted text, so that no operator of that language gets in.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for without, term, phrase in _terms(text):
        (unwanted if without else wanted).append(f'"{term}"' if phrase else f'"{term}" *')
    if not wanted:
        return None
    return " AND ".join(wanted) + "".join(f" NOT {term}" for term in unwanted)


def _terms(text: str) -> Iterator[tuple[bool, str, bool]]:
    """Yield (whether it must be missing, term, whether it is a phrase)."""
    for match in list(_TERM.finditer(text))[:MOST_TERMS]:
        phrase = match[3] is None
        without = bool(match[1]) if phrase else match[3].startswith("-") and len(match[3]) > 1
        term = (match[2] if phrase else match[3]).replace('"', " ").replace("\0", " ").lstrip("-" if without else "")
        if _TELLING.search(term):
            yield without, _ADDRESS.sub(r"hxxp\1://", term), phrase
