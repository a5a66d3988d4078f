"""The HTTP fetcher that all sources share: bounded in size and time, conditional, and true about what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from backend import runtime
from backend.errors import NetworkError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import Deadline, earliest
from backend.sources.body import read_body
from backend.sources.headers import wait_for_reset
from backend.sources.http_errors import transport_error, unusable_status
from backend.sources.redirects import REDIRECTS, check_address, next_address, peer

USER_AGENT = "Jupiter/0.1"
MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer; `body` is decompressed, `url` the address it came from in the end, `headers` have small names."""

    status: int
    body: bytes
    etag: str | None
    last_modified: str | None
    not_modified: bool
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def new_client() -> httpx.Client:
    """Return the HTTP/1.1 client for a fetcher: no retries, no redirects of its own, no proxy from the environment."""
    limits = httpx.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=30)
    return httpx.Client(http1=True, http2=False, trust_env=False, follow_redirects=False, limits=limits)


class HttpFetcher:
    """Gets documents over HTTP.

    Args:
        client: see `new_client`; given from outside so that tests can put a transport of their own in it.
        max_bytes: largest body, counted after decompression.
        timeout: seconds for one document, from the first packet to the last.
        connect_timeout: seconds to reach the server.
        max_redirects: how many to follow; never to another host.
        clock: asked for the time.
        give_way: lets others run between two pieces of a body.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        max_bytes: int = MAX_BYTES,
        timeout: float = 10.0,
        connect_timeout: float = 5.0,
        max_redirects: int = 3,
        clock: Clock = SYSTEM_CLOCK,
        give_way: Callable[[], None] = runtime.sleep,
    ) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._max_redirects = max_redirects
        self._clock = clock
        self._give_way = give_way

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        max_bytes: int | None = None,
        body: bytes | None = None,
    ) -> Fetched:
        """Get one document.

        Args:
            headers: in addition to our own.
            params: added to the address's query.
            etag, last_modified: of the answer that is at hand; the answer may then be `not_modified`, without a body.
            max_bytes: a lower limit than the fetcher's own.
            body: sent along, with POST; for interfaces that take their question so.

        Raises:
            NetworkError: no answer, one that cannot be used, or one that is too large or too slow.
            UpstreamRejectedError: the server refuses this request (4xx), or sends us to another host.
        """
        limit = earliest(self._timeout, self._clock)
        sent = _request_headers(headers, etag, last_modified)
        with _spoken(self._timeout):
            address = httpx.URL(url)
            if params:
                address = address.copy_merge_params(dict(params))
            found = self._follow(address, sent, body, limit, min(max_bytes or self._max_bytes, self._max_bytes))
        if found.not_modified and not etag and not last_modified:  # as what, when we have nothing?
            raise unusable_status(304, None, self._clock.now())
        return found

    def _follow(
        self, address: httpx.URL, headers: dict[str, str], body: bytes | None, limit: Deadline, max_bytes: int
    ) -> Fetched:
        first_peer: str | None = None
        method = "GET" if body is None else "POST"
        for _ in range(self._max_redirects + 1):
            sent = self._client.stream(method, address, headers=headers, content=body, timeout=self._timeouts(limit))
            with sent as response:
                reached = peer(response)
                check_address(first_peer, reached)
                first_peer = first_peer or reached
                if response.status_code not in REDIRECTS:
                    return self._take(response, limit, max_bytes)
                address = next_address(address, response.headers.get("location", ""))
        raise NetworkError("too many redirects", message="The server redirects in a circle.")

    def _take(self, response: httpx.Response, limit: Deadline, max_bytes: int) -> Fetched:
        status = response.status_code
        if status not in (200, 304):
            now = self._clock.now()
            reset = wait_for_reset(response.headers, now)
            asked = response.headers.get("retry-after") or (None if reset is None else str(reset))
            raise unusable_status(status, asked, now)
        body = b"" if status == 304 else self._body(response, limit, max_bytes)
        return Fetched(
            status=status,
            body=body,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            not_modified=status == 304,
            url=str(response.url),
            headers=response.headers,
        )

    def _body(self, response: httpx.Response, limit: Deadline, max_bytes: int) -> bytes:
        def check() -> None:
            if limit.expired:
                raise NetworkError(
                    "the body came too slowly",
                    message=f"The server did not finish its answer within {self._timeout:g} s.",
                )
            self._give_way()

        return read_body(
            response.iter_raw(),
            encoding=response.headers.get("content-encoding", ""),
            announced=response.headers.get("content-length", ""),
            max_bytes=max_bytes,
            check=check,
        )

    def _timeouts(self, limit: Deadline) -> httpx.Timeout:
        left = max(0.001, limit.remaining())
        return httpx.Timeout(left, connect=min(self._connect_timeout, left))


def _request_headers(more: Mapping[str, str] | None, etag: str | None, last_modified: str | None) -> dict[str, str]:
    # gzip only: its bombs are the ones that `read_body` bounds
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **(more or {})}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


@contextmanager
def _spoken(timeout: float) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise transport_error(error, timeout) from error
