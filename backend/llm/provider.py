"""What a language model is to Jupiter, and the one that stands in where none is configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypedDict

from backend.errors import NotConfiguredError


class ChatMessage(TypedDict):
    """One message of a conversation, as models take them."""

    role: Literal["system", "user", "assistant"]
    content: str


class LLMProvider(Protocol):
    """A language model that answers in a stream."""

    @property
    def name(self) -> str:
        """The provider's name, e.g. `grok`."""

    @property
    def model(self) -> str:
        """The model's name at the provider."""

    @property
    def configured(self) -> bool:
        """Whether it can be called at all."""

    def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        on_finish: Callable[[str], object] | None = None,
        model: str | None = None,
    ) -> Iterator[str]:
        """Yield the answer piece by piece; an empty piece is a sign of life (the model is reasoning).

        Args:
            messages: the conversation, the newest last.
            on_finish: told why the model stopped: `stop`, or `length` where its limit cut the answer off.
            model: in place of the provider's own.

        Raises:
            NetworkError: no usable answer; IncompleteAnswerError where it broke off after it had begun.
            UpstreamRejectedError: the provider refuses; see backend.llm.errors.
            DeadlineExceededError: silence for longer than allowed.
            NotConfiguredError: no provider is configured.
        """
        ...

    def models(self) -> list[str]:
        """Return the names of the models that the provider lists; raises like `stream`."""
        ...

    def warm_up(self) -> None:
        """Load what the first call needs, giving way to others meanwhile. Nothing is sent."""
        ...


class NullProvider:
    """No language model: every call says which setting is missing.

    Args:
        name: the provider that would be asked if it had its settings.
        missing: the sentence that says what to set.
    """

    configured = False
    model = ""

    def __init__(self, name: str = "grok", missing: str = "Set JUPITER_LLM_API_KEY.") -> None:
        self.name = name
        self.missing = missing

    def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        on_finish: Callable[[str], object] | None = None,
        model: str | None = None,
    ) -> Iterator[str]:
        """Raise NotConfiguredError."""
        raise NotConfiguredError(self.missing)

    def models(self) -> list[str]:
        """Return nothing: there is nobody to ask."""
        return []

    def warm_up(self) -> None:
        """Do nothing: there is nothing to load."""
