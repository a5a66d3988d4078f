"""Turns a provider's chunks into the answer's text, and tells a whole answer from one that broke off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from backend.errors import DeadlineExceededError
from backend.llm.errors import (
    ContentRefusedError,
    IncompleteAnswerError,
    OnlyThoughtsError,
    ProviderUnreachableError,
    UnreadableAnswerError,
)

# How OpenRouter, DeepSeek and others end an answer that they could not go on with.
_CUT = frozenset(("error", "insufficient_system_resource", "network_error", "abort", "aborted", "cancelled"))
_OPEN, _CLOSE = "<think>", "</think>"


def read_answer(chunks: Iterable[Any], on_finish: Callable[[str], object] | None = None) -> Iterator[str]:
    """Yield the answer's pieces; reasoning shows as empty pieces only.

    Args:
        chunks: chat completion chunks as the openai client gives them.
        on_finish: told the finish reason of a whole answer.

    Raises:
        IncompleteAnswerError: the chunks ended without a finish reason, or with one that says that they broke off.
        ContentRefusedError: the provider's filter ended the answer.
        OnlyThoughtsError: the model reached its limit without saying anything.
        UnreadableAnswerError: it finished without saying anything.
    """
    reasons: list[str] = []
    said_something = False
    for piece in without_thoughts(whole_characters(_pieces(chunks, reasons))):
        said_something = said_something or bool(piece.strip())
        yield piece
    if not reasons:
        raise IncompleteAnswerError("the stream ended without a finish reason")
    if reasons[0] == "content_filter":
        raise ContentRefusedError("finish reason content_filter")
    if reasons[0] in _CUT:
        raise IncompleteAnswerError(f"finish reason {reasons[0]}")
    if not said_something and reasons[0] == "length":
        raise OnlyThoughtsError("finish reason length without content")
    if not said_something:
        raise UnreadableAnswerError(f"an answer without content, finish reason {reasons[0]}")
    if on_finish:
        on_finish(reasons[0])


def _pieces(chunks: Iterable[Any], reasons: list[str]) -> Iterator[str]:
    source = iter(chunks)
    while True:
        try:
            chunk = next(source)
        except StopIteration:
            return
        except (ProviderUnreachableError, IncompleteAnswerError, DeadlineExceededError):
            if reasons:  # the answer is whole; only the stream's farewell was lost
                return
            raise
        choices = getattr(chunk, "choices", None)
        if not choices:  # the last chunk carries the usage alone
            continue
        yield from _of_choice(choices[0], reasons)


def _of_choice(choice: Any, reasons: list[str]) -> Iterator[str]:
    delta = getattr(choice, "delta", None)
    text = getattr(delta, "content", None) or getattr(delta, "refusal", None)
    if isinstance(text, str) and text:
        yield text
    elif getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None):
        yield ""
    reason = getattr(choice, "finish_reason", None)
    if reason:
        reasons.append(str(reason))


def whole_characters(pieces: Iterable[str]) -> Iterator[str]:
    """Yield `pieces` as text that can be kept: halves of a character in two of them as one, and no NUL."""
    half = ""
    for piece in pieces:
        text, half = half + piece, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, half = text[:-1], text[-1]
        yield _keepable(text)
    if half:
        yield "\ufffd"


def _keepable(text: str) -> str:
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """Yield `pieces` without the `<think>` block that some local models open their answers with."""
    held, inside = "", False
    source = iter(pieces)
    for piece in source:
        held += piece
        lead = held.lstrip()[: len(_OPEN)]
        if not inside and not _OPEN.startswith(lead):  # what is shorter may become the tag yet
            yield held
            yield from source
            return
        inside = inside or lead == _OPEN
        _, closed, rest = held.partition(_CLOSE)
        if inside and closed:
            yield rest.lstrip()
            yield from source
            return
        held = held[-len(_CLOSE) :] if inside else held
        yield ""
    if held and not inside:
        yield held
