"""Stand-ins for the parts around a source."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from backend.resilience.testing import FakeClock
from backend.sources.fetcher import Fetched, HttpFetcher


def inline(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `runtime.offload` does, without a thread."""
    return func(*args, **kwargs)


def fetcher(
    answer: Callable[[httpx.Request], httpx.Response], clock: FakeClock | None = None, **options: Any
) -> HttpFetcher:
    """A real fetcher over a transport that asks `answer`."""

    def streamed(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        if not response.is_stream_consumed:
            return response
        return httpx.Response(response.status_code, headers=response.headers, content=iter([response.content]))

    client = httpx.Client(transport=httpx.MockTransport(streamed), trust_env=False)
    return HttpFetcher(client, clock=clock or FakeClock(), give_way=lambda: None, **options)


class ScriptedFetcher:
    """Answers by address; remembers what it was asked."""

    def __init__(self, answers: Mapping[str, bytes | Exception | Fetched]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get(self, url: str, **options: Any) -> Fetched:
        self.asked.append((url, options))
        answer = self.answers.get(url, self.answers.get("*"))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Fetched):
            return answer
        assert answer is not None, f"nobody expected {url}"
        return Fetched(200, answer, '"tag"', "Wed, 15 Jul 2026 16:42:14 GMT", False, url)


def unchanged(url: str) -> Fetched:
    """A 304."""
    return Fetched(304, b"", None, None, True, url)
