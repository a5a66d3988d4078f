"""A provider behind the OpenAI chat protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from types import ModuleType
from typing import Any

from backend import runtime
from backend.llm.answer import read_answer
from backend.llm.loading import load_client
from backend.llm.provider import ChatMessage
from backend.llm.timeouts import TIMEOUTS, Timeouts
from backend.resilience.clock import SYSTEM_CLOCK, Clock


class OpenAIProvider:
    """Answers through any server that speaks the OpenAI chat protocol.

    Args:
        name: what it is called in payloads and logs, e.g. `grok`.
        base_url: where the server is, with its `/v1`.
        model: the model's name there.
        api_key: empty for servers that need none.
        max_tokens: a bound for one answer, reasoning included; None leaves it to the server.
        timeouts: bounds for one answer.
        clock: for the time that an answer takes, and for dates in `Retry-After`.
    """

    configured = True

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        model: str,
        api_key: str = "",
        max_tokens: int | None = None,
        timeouts: Timeouts = TIMEOUTS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.name = name
        self.model = model
        self._base_url = base_url
        self._api_key = api_key or "none"  # the client insists on one; servers without keys ignore it
        self._bounds = {} if max_tokens is None else {"max_completion_tokens": max_tokens}
        self._timeouts = timeouts
        self._clock = clock
        self._made: Any = None
        self._making = threading.Lock()

    def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        on_finish: Callable[[str], object] | None = None,
        model: str | None = None,
    ) -> Iterator[str]:
        """Yield the answer piece by piece; see LLMProvider."""
        module, client = self._client()
        request = {"model": model or self.model, "messages": list(messages), **self._bounds}
        with closing(module.chunks_of(client, request, self._clock)) as chunks:
            yield from read_answer(chunks, on_finish)

    def models(self) -> list[str]:
        """Return the names of the models that the provider lists."""
        module, client = self._client()
        names: list[str] = module.models_of(client, self._clock)
        return names

    def warm_up(self) -> None:
        """Load the client, giving way to others between its modules."""
        self._client(runtime.sleep)

    def _client(self, pause: Callable[[], object] | None = None) -> tuple[ModuleType, Any]:
        module = load_client(pause)
        with self._making:
            if self._made is None:
                self._made = module.make_client(self._base_url, self._api_key, self._timeouts, self._clock)
                self._made.chat.completions  # noqa: B018 - loads what is behind the property
        return module, self._made
