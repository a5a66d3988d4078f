"""Reads what a provider says when it refuses, in whichever shape, and names the error.

xAI sends `{"code": "<sentence>", "error": "<string>"}` and answers a wrong key with 400 and missing credit with 403;
OpenAI and most others send `{"error": {"message", "type", "code"}}`; proxies send web pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from backend.errors import NetworkError
from backend.llm.errors import (
    AccessRefusedError,
    AddressRejectedError,
    ContentRefusedError,
    KeyRejectedError,
    ModelUnknownError,
    NoCreditError,
    ProviderBusyError,
    ProviderFailedError,
    RequestRefusedError,
    UnreadableAnswerError,
)
from backend.resilience.redaction import redact_text
from backend.resilience.retry_after import parse_retry_after

LONGEST_WAIT = 3600.0
_CREDIT = re.compile(r"credit|billing|spending limit|insufficient.quota|current quota|purchase|payment|balance", re.I)
# Providers praise their paid plans in plain rate limits, too.
_LIMIT = re.compile(
    r"rate.?limit|too many requests|(try again|retry) in \d|(tokens|requests) per (second|min|hour|day)", re.I
)
_KEY = re.compile(r"api.?key|(incorrect|invalid|missing|expired).{0,12}(key|token)\b|authenticat|authorization", re.I)
_CONTENT = re.compile(r"usage guidelines|content.{0,3}(polic|filter|violat)|moderat|safety", re.I)
_NO_MODEL = re.compile(
    r"model_not_found|\bmodel\b.{0,120}(not exist|not found|unknown|not a valid|no such|retired|deprecat|no longer)"
    r"|(unknown|invalid|no such|not a valid) model|no models? loaded",
    re.I | re.S,
)
_STATUS_OF_CODE = {
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "server_error": 500,
    "internal_server_error": 500,
    "overloaded": 503,
    "overloaded_error": 503,
    "service_unavailable": 503,
    "timeout": 504,
    "invalid_api_key": 401,
    "insufficient_quota": 402,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
}


class Said(NamedTuple):
    """A provider's words: a code, a text, and whether they are a web page."""

    code: str
    text: str
    is_page: bool = False


def classify(status: int | None, body: Any, *, retry_after: float | None = None) -> NetworkError:
    """Return the error for a refusal.

    Args:
        status: the HTTP status; None for an error inside a stream, whose body may hold one.
        body: the answer's body, parsed where it is JSON.
        retry_after: what the provider asked for, in seconds.
    """
    said = read(body)
    status = status if status is not None else _status_in(said)
    kind = _kind(status, f"{said.code} {said.text}", said.is_page)
    detail = redact_text(
        ": ".join(part for part in (str(status or "in the stream"), said.code, said.text) if part), 300
    )
    return kind(detail, upstream_status=status, retry_after=retry_after)


def _kind(status: int | None, words: str, is_page: bool) -> type[NetworkError]:
    if is_page:
        return UnreadableAnswerError
    if status is None or status in {408, 409, 425} or status >= 500:
        return ProviderFailedError
    if status == 429 and _LIMIT.search(words):
        return ProviderBusyError
    if status == 402 or (status in {400, 403, 429} and _CREDIT.search(words)):
        return NoCreditError
    if status == 429:
        return ProviderBusyError
    if status == 401 or (status in {400, 403} and _KEY.search(words)):
        return KeyRejectedError
    return _refusal(status, words)


def _refusal(status: int, words: str) -> type[NetworkError]:
    if _CONTENT.search(words):
        return ContentRefusedError
    if _NO_MODEL.search(words):
        return ModelUnknownError
    if status == 403:
        return AccessRefusedError
    if status in {404, 405} or 300 <= status < 400:
        return AddressRejectedError
    return RequestRefusedError


def read(body: Any) -> Said:
    """Return what a body says, whatever its shape."""
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        return _read_text(body)
    if not isinstance(body, Mapping):
        return Said("", "" if body is None else str(body)[:1000])
    error = body.get("error", body)
    if isinstance(error, str):
        return Said(_word(body.get("code")), error)
    if not isinstance(error, Mapping):
        return Said("", str(error)[:1000])
    code = _word(error.get("code")) or _word(error.get("type"))
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    texts = (error.get("message") or error.get("detail"), raw)
    return Said(code, " ".join(str(text) for text in texts if text))


def _read_text(text: str) -> Said:
    text = text.strip()
    if text[:1] in {"{", "["}:
        try:
            return read(json.loads(text))
        except ValueError:
            return Said("", text[:1000])
    return Said("", text[:1000], is_page=text[:1] == "<")


def _word(code: Any) -> str:
    return "" if code is None else str(code)


def _status_in(said: Said) -> int | None:
    if said.code.isdigit() and 300 <= int(said.code) < 600:
        return int(said.code)
    return _STATUS_OF_CODE.get(said.code.lower())


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that `retry-after-ms` or `Retry-After` (seconds or an HTTP date) asks for, at most an hour."""
    exact = parse_retry_after(headers.get("retry-after-ms"), now)
    asked = exact / 1000 if exact is not None else parse_retry_after(headers.get("retry-after"), now)
    return None if asked is None else min(asked, LONGEST_WAIT)
