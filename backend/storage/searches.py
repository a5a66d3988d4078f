"""Full-text searches: what a person types, as words that must all occur, in the language of each database.

A word is found by its beginning, whatever its capitals: "inject" finds "Injection". The words of one chunk without
blanks belong together: CVE-2026-0001 is one number and not three.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from backend.errors import ValidationError

INDEXES: Mapping[tuple[str, str], str] = {
    ("conversations", "title"): "conversations_search",
    ("messages", "content"): "messages_search",
}
"""By table and column: the index, in SQLite an FTS5 table of that name (and `_places`), in PostgreSQL a tsvector."""

MAX_WORDS = 12
LONGEST_WORD = 100


def index_of(table: str, column: str) -> str:
    """Return the index of a column.

    Raises:
        ValidationError: it has none.
    """
    try:
        return INDEXES[table, column]
    except KeyError:
        raise ValidationError(f"the column {column!r} of {table} cannot be searched") from None


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a search, each only once, without signs at their edges; none for a text of signs alone."""
    chunks = (_trimmed(chunk[:LONGEST_WORD]) for chunk in text.split())
    return tuple(dict.fromkeys(chunk.casefold() for chunk in chunks if chunk))[:MAX_WORDS]


def _trimmed(chunk: str) -> str:
    start, end = 0, len(chunk)
    while start < end and not _is_letter(chunk[start]):
        start += 1
    while end > start and not _is_letter(chunk[end - 1]):
        end -= 1
    return chunk[start:end]


def _is_letter(one: str) -> bool:
    return unicodedata.category(one)[0] in "LN" and one != "\0"


def sqlite_match(words: tuple[str, ...]) -> str:
    """Return the words as an FTS5 query: strings, so that none of their signs is a sign of the query."""
    return " ".join('"' + word.replace("\0", "").replace('"', '""') + '"*' for word in words)


def postgres_query(words: tuple[str, ...]) -> str:
    """Return the words as a tsquery: quoted, so that none of their signs is a sign of the query.

    What would need quotes of its own in a list of PostgREST's is left out; it parts words for PostgreSQL anyway.
    """
    return " & ".join("'" + word.translate(_BLANKED).replace("'", "''") + "':*" for word in words)


_BLANKED = {ord(sign): " " for sign in '\\,()"\0'}
