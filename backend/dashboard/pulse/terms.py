"""What an item is about: ids, names of actors and of the threat catalogue, and phrases of its title. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from backend.dashboard.chat.words import GENERIC, STOP
from backend.dashboard.pulse.actors import actor_key, actors_in
from backend.dashboard.threats.names import LONGEST_WORDS
from backend.sources.base import PulseItem

LONGEST_PHRASE = 3
SHORTEST_WORD = 3
_TOKEN = re.compile(r"[^\W_](?:[\w'\u2019.+#-]*[\w+#])?")
_SEGMENT = re.compile(r"[:;,!?()\[\]{}\"\u201c\u201d\u00ab\u00bb|\u2013\u2014/<>\u2026]|\.(?=\s|$)|\s-\s")
_POSSESSIVE = re.compile(r"['\u2019]s$", re.IGNORECASE)
_ID = re.compile(r"(?:CVE|DEMO)-\d{4}-\d{4,7}", re.IGNORECASE)


Term = tuple[str, str, str]
"""One thing that an item is about: its kind, a key that is the same for all ways of writing it, and how it is
written. A plain tuple of texts on purpose: there are hundreds of thousands, and the garbage collector, which stops
everything, does not look into those."""


def terms_of(item: PulseItem, names: Mapping[str, str]) -> tuple[Term, ...]:
    """Return the terms of an item, each once.

    Args:
        names: of vendors and products, in small letters and as they are written.
    """
    found: dict[tuple[str, str], Term] = {("cve", name): ("cve", name, name) for name in item.ids}
    for text in (item.title, item.summary):
        for name in actors_in(text):
            found.setdefault(("actor", actor_key(name)), ("actor", actor_key(name), name))
        for term in _names_in(text, names):
            found.setdefault(term[:2], term)
    for term in _phrases(item.title):
        found.setdefault(term[:2], term)
    return tuple(found.values())


def _segments(text: str) -> Iterator[list[str]]:
    for segment in _SEGMENT.split(text):
        tokens = [_POSSESSIVE.sub("", token) for token in _TOKEN.findall(segment)]
        if tokens:
            yield tokens


def _names_in(text: str, names: Mapping[str, str]) -> Iterator[Term]:
    """Yield the longest name at each place. One-word names must be written as names: "struts", not "he struts"."""
    for tokens in _segments(text):
        at = 0
        while at < len(tokens):
            step = 1
            for size in range(min(LONGEST_WORDS, len(tokens) - at), 0, -1):
                name = names.get(" ".join(tokens[at : at + size]).lower())
                if name is not None and (size > 1 or _written_as_name(tokens[at], name)):
                    yield "product", name.lower(), tokens[at] if size == 1 and _is_mixed(tokens[at]) else name
                    step = size
                    break
            at += step


def _written_as_name(token: str, name: str) -> bool:
    return token == name or not token.islower()


def _is_mixed(token: str) -> bool:
    """Whether capitals stand where a name has put them: iOS is not Cisco's IOS."""
    return token not in (token.lower(), token.upper(), token.capitalize())


def _phrases(title: str) -> Iterator[Term]:
    for tokens in _segments(title):
        for size in range(1, LONGEST_PHRASE + 1):
            for at in range(len(tokens) - size + 1):
                words = tokens[at : at + size]
                if size == 1 and words[0].islower():
                    continue  # alone, only what is written like a name
                if _is_phrase([word.lower().replace("\u2019", "'") for word in words]):
                    label = " ".join(words)
                    yield "phrase", label.lower(), label


def _is_phrase(words: Sequence[str]) -> bool:
    if words[0] in STOP or words[-1] in STOP:
        return False
    if any(_ID.fullmatch(word) for word in words):
        return False
    return any(_tells(word) for word in words)


def _tells(word: str) -> bool:
    """Whether a word says something by itself: no stop word, no word of the trade, no number, not too short."""
    letters = sum(char.isalpha() for char in word)
    return word not in STOP and word not in GENERIC and letters >= SHORTEST_WORD
