"""Works out topics off the hub, once for all who ask at the same time, and again only when something changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend.dashboard.pulse.items import ItemStore, Known
from backend.dashboard.pulse.topics import TermsByItem, Topics, find_topics, items_about
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.pulse import MOST_TOPICS, WINDOWS
from backend.sources.heavy import heavy

REUSED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class _Done:
    topics: Topics
    version: int
    names: Mapping[str, str]
    at: float


class Reckoning:
    """Topics by window.

    Args:
        store: the items.
        names: returns the names of vendors and products; another mapping means other names.
        titles: returns the titles of sources by their name.
        offload: runs the counting in a native thread.
    """

    def __init__(
        self,
        store: ItemStore,
        *,
        names: Callable[[], Mapping[str, str]],
        titles: Callable[[], Mapping[str, str]],
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self._store = store
        self._names = names
        self._titles = titles
        self._clock = clock
        self._offload = offload
        self._lock = threading.Lock()
        self._done: dict[str, _Done] = {}
        self._terms: TermsByItem = {}
        self._terms_names: Mapping[str, str] | None = None

    def topics(self, window: str) -> Topics:
        """Return the topics of a window, see WINDOWS; at most REUSED_SECONDS old."""
        names = self._names()
        done = self._done.get(window)
        if done is not None and self._still_good(done, names):
            return done.topics
        with self._lock:
            done = self._done.get(window)
            if done is not None and self._still_good(done, names):
                return done.topics
            return self._reckon(window, names)

    def items(self, window: str, kind: str, label: str) -> tuple[list[Known], Topics]:
        """Return the items of a window that are about a topic, newest first, and the window's topics."""
        topics = self.topics(window)
        if topics.window_end is None:
            return [], topics
        after = topics.window_end - _length(window)
        found: list[Known] = self._offload(
            items_about, self._store.all(), topics.terms, kind, label, after=after, until=topics.window_end
        )
        return found, topics

    def _still_good(self, done: _Done, names: Mapping[str, str]) -> bool:
        same = done.version == self._store.version and done.names is names
        return same and self._clock.monotonic() - done.at < REUSED_SECONDS

    def _reckon(self, window: str, names: Mapping[str, str]) -> Topics:
        version = self._store.version
        if self._terms_names is not names:
            self._terms, self._terms_names = {}, names
        topics: Topics = self._offload(
            find_topics,
            self._store.all(),
            now=self._clock.now(),
            window=_length(window),
            names=names,
            titles=dict(self._titles()),
            terms=self._terms,
            limit=MOST_TOPICS,
        )
        self._terms = topics.terms
        self._done[window] = _Done(topics, version, names, self._clock.monotonic())
        return topics


def _length(window: str) -> timedelta:
    return WINDOWS[window]
