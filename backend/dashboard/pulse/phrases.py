"""Which phrases say something that the others do not say already. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.dashboard.pulse.items import Known
from backend.dashboard.pulse.terms import LONGEST_PHRASE

SAME_STORY = 0.75
"""A longer phrase that has this share of a shorter one's items takes its place."""


Key = tuple[str, str]
"""A term's kind and key."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: Key
    words: tuple[str, ...]
    items: frozenset[str]


def keep_telling(found: Mapping[Key, Sequence[Known]]) -> list[Key]:
    """Leave out phrases that are part of a name with the same items, part of a longer phrase with nearly the same
    items, or one of several phrases of one and the same story. Ids and names are all kept.
    """
    named = [key for key in found if key[0] != "phrase"]
    names = _Holders(1.0)
    for key in named:
        names.add(_candidate(key, found))
    phrases = [_candidate(key, found) for key in found if key[0] == "phrase"]
    phrases.sort(key=lambda each: (-len(each.words), -len(each.items), -len(each.key[1]), each.key))
    kept: list[Key] = []
    longer = _Holders(SAME_STORY)
    stories: set[frozenset[str]] = set()
    for phrase in phrases:
        if ("product", phrase.key[1]) in found:
            continue
        if phrase.items in stories or names.hold(phrase) or longer.hold(phrase):
            continue
        kept.append(phrase.key)
        stories.add(phrase.items)
        longer.add(phrase)
    return [*named, *kept]


class _Holders:
    """Finds the candidates that a phrase stands in, by its words."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._by_words: dict[tuple[str, ...], list[_Candidate]] = defaultdict(list)

    def add(self, holder: _Candidate) -> None:
        words = holder.words
        for size in range(1, min(len(words), LONGEST_PHRASE) + 1):
            for at in range(len(words) - size + 1):
                self._by_words[words[at : at + size]].append(holder)

    def hold(self, phrase: _Candidate) -> bool:
        """Whether one of them has the phrase's words in it, and at least the share of the phrase's items."""
        needed = self._share * len(phrase.items)
        return any(len(phrase.items & holder.items) >= needed for holder in self._by_words.get(phrase.words, ()))


def _candidate(key: Key, found: Mapping[Key, Sequence[Known]]) -> _Candidate:
    return _Candidate(key, tuple(key[1].split()), frozenset(known.item.key for known in found[key]))
