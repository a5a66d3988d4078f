"""LIKE patterns (`%`, `_`, escaped by a backslash) in the languages that adapters need instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def glob(pattern: str) -> str:
    """Return the pattern for SQLite's GLOB."""
    return _translated(pattern, {"%": "*", "_": "?"}, lambda one: f"[{one}]" if one in "*?[" else one)


def regular_expression(pattern: str) -> str:
    """Return the pattern as a regular expression for the whole text, as PostgreSQL reads them."""
    made = _translated(pattern, {"%": ".*", "_": "."}, _escaped)
    return f"^{made}$"


def _escaped(character: str) -> str:
    return character if character.isalnum() or not character.isascii() else f"\\{character}"


def _translated(pattern: str, wild: Mapping[str, str], literal: Callable[[str], str]) -> str:
    made, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            made.append(literal(next(characters)))
        else:
            made.append(wild.get(character) or literal(character))
    return "".join(made)
