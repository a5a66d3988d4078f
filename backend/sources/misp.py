"""A MISP feed: a folder with a manifest and one file for each event, as CIRCL and many others publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from backend.errors import DashboardError, NotConfiguredError, UpstreamRejectedError
from backend.sources.base import Fragment, ThreatBatch, Validators, still_at
from backend.sources.body import DocumentError
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.http_errors import again_in
from backend.sources.misp_answers import Event, event_id, parse_event, parse_hashes, parse_manifest

REFRESH_SECONDS = 3600.0
MOST_EVENTS = 200
"""Events that are held: those that were changed last."""
AT_ONCE = 10
MOST_FAILURES = 2
AGAIN_SECONDS = 0.5
MARGIN = 1.0
DAMAGED = 0
"""In the mark, in place of the time of the last change: it could not be read, and comes after those not yet tried."""
EVENT_BYTES = 5_000_000


@dataclass
class _Got:
    """What came of asking for events.

    `held` and `damaged` are their uuids; `failure` is the last one, `trouble` counts those that speak of the server and
    not of the event; `lost` are values that the feed promises and its events lack.
    """

    fragments: dict[str, Fragment] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)
    failure: DashboardError | None = None
    trouble: int = 0
    lost: int = 0


class Misp:
    """One feed.

    Args:
        fetcher: gets documents.
        url: of its folder, or of the manifest in it; None where none is set.
        key: sent as Authorization, for servers that want one.
        request_seconds: the fetcher's timeout for one document.
        offload: runs the reading in a native thread.
    """

    name = "misp"
    essential = False
    enriches = False
    setting = "JUPITER_SOURCE_MISP_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str | None = None,
        title: str = "MISP feed",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        key: str | None = None,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.needs = "" if url else self.setting
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds * (AT_ONCE + 2) + MARGIN
        self._fetcher = fetcher
        self._folder = (url or "").removesuffix("manifest.json").rstrip("/")
        self._headers = {"Accept": "application/json", **({"Authorization": key} if key else {})}
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch the manifest and the events that it says are new; errors as in `ThreatSource.fetch`."""
        if self.needs:
            raise NotConfiguredError(f"{self.needs} is not set")
        address = f"{self._folder}/manifest.json"
        here = still_at(previous, address)  # the mark of another feed still says which events are to be taken out
        answer = self._fetcher.get(
            address,
            headers=self._headers,
            etag=here.etag if here else None,
            last_modified=here.last_modified if here else None,
        )
        if answer.not_modified:
            return ThreatBatch(not_modified=True, validators=previous)
        manifest: dict[str, int] = self._offload(parse_manifest, answer.body)
        newest = dict(sorted(manifest.items(), key=lambda event: (-event[1], event[0]))[:MOST_EVENTS])
        known = _known(previous)
        missing = [uuid for uuid, changed in newest.items() if known.get(uuid) != changed]
        untried = [uuid for uuid in missing if known.get(uuid) != DAMAGED]
        asked = [*untried, *(uuid for uuid in missing if known.get(uuid) == DAMAGED)][:AT_ONCE]
        got = self._events(asked)
        given = [uuid for uuid in newest if uuid in got.held or known.get(uuid) == newest[uuid]]
        if got.failure is not None and not got.held and (got.trouble or not (given or untried[AT_ONCE:])):
            raise got.failure
        mark = {**{uuid: newest[uuid] for uuid in given}, **dict.fromkeys(got.damaged, DAMAGED)}
        # without its tags the manifest comes again, so that the rest of the events is asked for
        tags = (answer.etag, answer.last_modified) if len(missing) == len(got.held) else (None, None)
        return ThreatBatch(
            fragments=got.fragments,
            validators=Validators(address, *tags, mark=orjson.dumps(mark).decode()),
            skipped=len(asked) - len(got.held) + got.lost,
            delta=True,
            removed=tuple(event_id(uuid) for uuid in known if uuid not in newest),
            again_in=again_in(AGAIN_SECONDS, got.failure) if len(untried) > AT_ONCE else None,
        )

    def _events(self, uuids: Sequence[str]) -> _Got:
        """Ask for events, one after the other, as long as the server is well.

        One that is damaged, too large or gone keeps no other away, however many of them there are.
        """
        got = _Got()
        hashes = self._hashes() if uuids else {}
        for uuid in uuids:
            try:
                body = self._fetcher.get(f"{self._folder}/{uuid}.json", headers=self._headers, max_bytes=EVENT_BYTES)
                event: Event = self._offload(parse_event, body.body, hashes)
            except (DocumentError, UpstreamRejectedError) as error:
                got.failure = error
                got.damaged.append(uuid)
            except DashboardError as error:
                got.failure = error
                got.trouble += 1
                if got.trouble >= MOST_FAILURES or error.asked_to_wait:
                    break
            else:
                got.fragments[event_id(uuid)] = event.fragment
                got.held.add(uuid)
                got.lost += event.missing
        return got

    def _hashes(self) -> dict[str, frozenset[str]]:
        """Return the feed's list of hashes; a feed without one is none the worse."""
        try:
            body = self._fetcher.get(f"{self._folder}/hashes.csv", headers=self._headers).body
        except DashboardError:
            return {}
        hashes: dict[str, frozenset[str]] = self._offload(parse_hashes, body)
        return hashes


def _known(previous: Validators | None) -> dict[str, int]:
    try:
        read = orjson.loads(previous.mark) if previous and previous.mark else {}
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
