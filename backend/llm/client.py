"""The openai client as Jupiter uses it. Importing this module costs half a second: only loading.py does.

The client's own retries are off (the guard retries), redirects are not followed (the key would travel), and a body
is bounded in size and time, whatever its server sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx2
import openai

from backend.errors import DashboardError
from backend.llm.errors import (
    IncompleteAnswerError,
    ProviderSilentError,
    ProviderUnreachableError,
    UnreadableAnswerError,
)
from backend.llm.failures import classify, wait_asked_for
from backend.llm.timeouts import Timeouts
from backend.resilience.clock import Clock

MAX_BODY_BYTES = 8_000_000  # a long answer with its reasoning and framing is under 1 MB


class BoundedBody(httpx2.SyncByteStream):
    """A response body that ends with an error when it grows too large or takes too long.

    Args:
        body: the body as it comes from the connection.
    """

    def __init__(self, body: httpx2.SyncByteStream, timeouts: Timeouts, clock: Clock, max_bytes: int) -> None:
        self._body = body
        self._timeouts = timeouts
        self._clock = clock
        self._left = max_bytes
        self.answering = False

    def __iter__(self) -> Iterator[bytes]:
        started = self._clock.monotonic()
        for part in self._body:
            self._left -= len(part)
            if self._left < 0:
                raise UnreadableAnswerError("the answer is larger than any answer may be")
            allowed = self._timeouts.total if self.answering else self._timeouts.first_piece
            if self._clock.monotonic() - started > allowed:
                raise ProviderSilentError(f"the model did not finish within {allowed:g} s")
            self._clock.sleep(0)  # whatever is sent without a pause, the others run between its parts
            yield part

    def close(self) -> None:
        """Give the connection back."""
        self._body.close()


def make_client(
    base_url: str, api_key: str, timeouts: Timeouts, clock: Clock, max_bytes: int = MAX_BODY_BYTES
) -> openai.OpenAI:
    """Return a client for one provider; nothing is sent."""

    def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UnreadableAnswerError("a compressed answer, which nobody asked for")
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = BoundedBody(response.stream, timeouts, clock, max_bytes)

    limits = httpx2.Timeout(timeouts.silence, connect=timeouts.connect)
    transport = httpx2.Client(timeout=limits, follow_redirects=False, event_hooks={"response": [bound]})
    return openai.OpenAI(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        timeout=limits,
        http_client=transport,
        default_headers={"Accept-Encoding": "identity"},
    )


def chunks_of(client: openai.OpenAI, request: dict[str, Any], clock: Clock) -> Iterator[Any]:
    """Ask for a chat completion and yield its chunks.

    Args:
        request: the body of the request.

    Raises:
        DashboardError: whatever goes wrong, as one of the errors of backend.llm.errors.
    """
    try:
        with client.chat.completions.create(stream=True, **request) as stream:
            yield from _events(stream)
    except Exception as error:
        raise translate(error, clock) from error


def models_of(client: openai.OpenAI, clock: Clock) -> list[str]:
    """Return the names of the models that the provider lists; raises like `chunks_of`."""
    try:
        return sorted(str(model.id) for model in client.models.list())
    except Exception as error:
        raise translate(error, clock) from error


def _events(stream: openai.Stream[Any]) -> Iterator[Any]:
    response = stream.response
    kind = response.headers.get("content-type", "")
    if "json" in kind:
        yield _whole(response.read())
        return
    if "html" in kind:
        raise UnreadableAnswerError(f"{response.status_code} with a web page")
    for chunk in stream:
        if isinstance(response.stream, BoundedBody):
            response.stream.answering = True
        yield chunk


def _whole(body: bytes) -> Any:
    """Read the answer of a server that does not stream: one completion, or an error with status 200."""
    found = json.loads(body)
    if not isinstance(found, dict) or "choices" not in found:
        raise classify(None, body)
    return SimpleNamespace(choices=[_as_delta(choice) for choice in found["choices"] if isinstance(choice, dict)])


def _as_delta(choice: dict[str, Any]) -> SimpleNamespace:
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return SimpleNamespace(delta=SimpleNamespace(content=content), finish_reason=choice.get("finish_reason"))


def translate(error: Exception, clock: Clock) -> DashboardError:
    """Return what an exception of the openai client means."""
    if isinstance(error, DashboardError):
        return error
    if isinstance(error, openai.APITimeoutError):
        return ProviderSilentError("the model's provider was silent for too long")
    if isinstance(error, openai.APIConnectionError):
        return _of_connection(error)
    if isinstance(error, openai.APIStatusError):
        response = error.response
        wait = wait_asked_for(response.headers, clock.now())
        return classify(error.status_code, response.text, retry_after=wait)
    if isinstance(error, openai.APIError):
        return classify(None, error.body)
    if isinstance(error, ValueError):  # broken JSON, broken UTF-8, a type that pydantic cannot make sense of
        return UnreadableAnswerError(f"a chunk that cannot be read: {type(error).__name__}")
    return UnreadableAnswerError(f"{type(error).__name__}: {error}")


def _of_connection(error: openai.APIConnectionError) -> DashboardError:
    cause = error.__cause__
    named = f"{type(cause).__name__}: {cause}" if cause else str(error)
    if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError):
        return IncompleteAnswerError(named)
    return ProviderUnreachableError(named)
