"""What every source looks like from outside, and what it hands over.

A source keeps nothing between two calls: whoever calls it hands back the validators of the batch that was last
accepted. So an answer that was interrupted or dropped on the way is fetched again, never taken for known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Fragment = Mapping[str, Any]
"""What one source knows of one threat: fields of the unified record; a field it does not know is left out."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What the next request needs to know of the last answer.

    `url` is the address it came from; `mark` is the source's own note of how far it has come, where it reads what is
    new since then and not all of it again.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    mark: str | None = None


def still_at(previous: Validators | None, url: str) -> Validators | None:
    """Return the validators where they are of this address.

    Those of another one (the setting was changed over a restart) would confirm what that one had, go on from where it
    left off, or send it a key that is meant for this one.
    """
    return previous if previous is not None and previous.url == url else None


@dataclass(frozen=True, slots=True)
class ThreatBatch:
    """One answer of a threat source.

    `fragments` go by the threat's id; `skipped` counts records that could not be read; `via` names the way where it
    was not the usual one. With `delta` they are added to what the source gave before, and `removed` taken out of it;
    without, they take its place. `again_in` is set where there is more to fetch, in seconds. `as_of` is set
    where it was not fetched just now: by another worker, then.
    """

    fragments: Mapping[str, Fragment] = field(default_factory=dict)
    not_modified: bool = False
    skipped: int = 0
    validators: Validators | None = None
    via: str = ""
    delta: bool = False
    removed: tuple[str, ...] = ()
    again_in: float | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class PulseItem:
    """One thing somebody published.

    `key` tells it from others and is the same for the same thing from elsewhere; `published` is None where the
    source gives no date that can be read; `ids` are the CVE ids in its whole text; texts carry no markup.
    """

    key: str
    title: str
    url: str | None
    author: str | None = None
    published: datetime | None = None
    summary: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PulseBatch:
    """One answer of a pulse source; `title` is the name it gives itself, the times are as those of a ThreatBatch."""

    items: tuple[PulseItem, ...] = ()
    not_modified: bool = False
    skipped: int = 0
    validators: Validators | None = None
    title: str | None = None
    again_in: float | None = None
    as_of: datetime | None = None


class Source(Protocol):
    """What all sources have in common; times in seconds.

    `name` is its guard's and ledger's, `setting` the environment name of its address, `timeout_seconds` the outer
    bound of one fetch (which may be several requests). One that cannot work without a setting also has `needs`: the
    setting's name as long as that is missing, else "".
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def essential(self) -> bool: ...
    @property
    def refresh_seconds(self) -> float: ...
    @property
    def timeout_seconds(self) -> float: ...
    @property
    def setting(self) -> str: ...


class ThreatSource(Source, Protocol):
    """A source of threats. One that `enriches` adds fields to threats that others name."""

    @property
    def enriches(self) -> bool: ...

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch once.

        Args:
            previous: of the batch that was accepted last.
            wanted: ids that an enriching source is asked about.

        Raises:
            DashboardError: it could not be had; the message says why to a person.
        """


class PulseSource(Source, Protocol):
    """A source of things that the community publishes."""

    def fetch(self, *, previous: Validators | None = None) -> PulseBatch:
        """Fetch once; arguments and errors as in `ThreatSource.fetch`."""
