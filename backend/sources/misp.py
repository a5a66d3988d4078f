"""A MISP feed: a folder with a manifest and one file for each event, as CIRCL and many others publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from backend.errors import DashboardError, NotConfiguredError
from backend.sources.base import Fragment, ThreatBatch, Validators
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.misp_answers import Event, event_id, parse_event, parse_hashes, parse_manifest

REFRESH_SECONDS = 3600.0
MOST_EVENTS = 200
"""Events that are held: those that were changed last."""
AT_ONCE = 10
MOST_FAILURES = 2
AGAIN_SECONDS = 0.5
MARGIN = 1.0
EVENT_BYTES = 5_000_000


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
        answer = self._fetcher.get(
            address,
            headers=self._headers,
            etag=previous.etag if previous else None,
            last_modified=previous.last_modified if previous else None,
        )
        if answer.not_modified:
            return ThreatBatch(not_modified=True, validators=previous)
        manifest: dict[str, int] = self._offload(parse_manifest, answer.body)
        newest = dict(sorted(manifest.items(), key=lambda event: (-event[1], event[0]))[:MOST_EVENTS])
        known = _known(previous)
        missing = [uuid for uuid, changed in newest.items() if known.get(uuid) != changed]
        fragments, held, lost = self._events(missing[:AT_ONCE])
        mark = {uuid: newest[uuid] for uuid in newest if uuid in held or known.get(uuid) == newest[uuid]}
        whole = len(missing) == len(held)
        # without its tags the manifest comes again, so that the rest of the events is asked for
        tags = (answer.etag, answer.last_modified) if whole else (None, None)
        return ThreatBatch(
            fragments=fragments,
            validators=Validators(address, *tags, mark=orjson.dumps(mark).decode()),
            skipped=len(missing[:AT_ONCE]) - len(held) + lost,
            delta=True,
            removed=tuple(event_id(uuid) for uuid in known if uuid not in newest),
            again_in=AGAIN_SECONDS if len(missing) > AT_ONCE and held else None,
        )

    def _events(self, uuids: Sequence[str]) -> tuple[dict[str, Fragment], set[str], int]:
        """Return the records of events, which of them could be had, and how many promised values are not in them.

        Raises:
            DashboardError: none could be; why not the last of them.
        """
        fragments: dict[str, Fragment] = {}
        held: set[str] = set()
        failures: list[DashboardError] = []
        hashes = self._hashes() if uuids else {}
        lost = 0
        for uuid in uuids:
            try:
                body = self._fetcher.get(f"{self._folder}/{uuid}.json", headers=self._headers, max_bytes=EVENT_BYTES)
                event: Event = self._offload(parse_event, body.body, hashes)
            except DashboardError as error:
                failures.append(error)  # one that is damaged must not keep the others away; it is asked for again
                if len(failures) >= MOST_FAILURES:
                    break
                continue
            fragments[event_id(uuid)] = event.fragment
            held.add(uuid)
            lost += event.missing
        if failures and not held:
            raise failures[-1]
        return fragments, held, lost

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
