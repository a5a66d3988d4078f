"""Logging: one line an event, for a person on a terminal, as JSON for machines, with secrets taken out of both.

The emoji markers are those the project's documents list; in JSON a marker becomes the field `marker`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from backend.resilience.redaction import redact, redact_text

MARKERS: Mapping[str, str] = {
    "💬": "chat",
    "🔍": "threats",
    "📊": "pulse",
    "📡": "status",
    "✅": "success",
    "❌": "error",
    "⚠️": "warning",
}
CONTEXT_FIELDS = ("request_id", "user", "endpoint")
EXTRA_FIELDS = ("error_id", "params", "stack_trace", "user_id", "request_params", "status", "seconds")

# What would end a line, move a terminal's cursor, turn the direction of text around or cannot be written at all.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - never mutated


def bind(**fields: str) -> None:
    """Add `request_id`, `user` or `endpoint` to every line that this request or event logs from here on."""
    _context.set({**_context.get(), **fields})


def bound(name: str) -> str | None:
    """Return what was bound under `name` for this request or event, if anything."""
    return _context.get().get(name)


class ContextFilter(logging.Filter):
    """Put what is bound, and cleaned text, on the record before any formatter sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _context.get().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class TextFormatter(logging.Formatter):
    """`18:04:11 ✅ text  user=… request_id=…`, then the stack trace, indented, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        text = _on_one_line(redact_text(record.getMessage()))
        marker = "" if split_marker(text)[0] else _marker_of_level(record.levelno)
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items() if name != "stack_trace")
        trace = "".join(f"\n  {_on_one_line(line)}" for line in _trace(self, record).splitlines())
        return f"{at} {marker}{text}" + (f"  [{_on_one_line(fields)}]" if fields else "") + trace


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        marker, text = split_marker(redact_text(record.getMessage()))
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": text,
        }
        if marker:
            line["marker"] = MARKERS[marker]
        line.update(_fields(record))
        trace = _trace(self, record)
        if trace:
            line["stack_trace"] = trace
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:  # a lone surrogate, or a number beyond 64 bits: better written otherwise than lost
            return json.dumps(line, default=str)


def split_marker(text: str) -> tuple[str, str]:
    """Split a leading emoji marker from a message; the marker is empty where there is none."""
    for marker in MARKERS:
        if text.startswith(marker):
            return marker, text[len(marker) :].lstrip()
    return "", text


def configure(level: str = "INFO", style: str = "auto", stream: TextIO | None = None) -> None:
    """Send all logging to `stream`.

    Args:
        level: the least level that is written.
        style: text, json, or auto: text on a terminal, JSON otherwise.
        stream: standard error where not given.
    """
    out = stream or sys.stderr
    as_text = style == "text" or (style == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    handler.addFilter(ContextFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("jupiter").setLevel(level)
    logging.captureWarnings(True)


def _on_one_line(text: str) -> str:
    """Return text from outside so that it can neither forge a line nor command the terminal that shows it."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text.replace("\n", " ⏎ "))


def _marker_of_level(level: int) -> str:
    if level >= logging.ERROR:
        return "❌ "
    return "⚠️ " if level >= logging.WARNING else ""


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    present = {name: getattr(record, name, None) for name in (*CONTEXT_FIELDS, *EXTRA_FIELDS)}
    return {name: redact(value) for name, value in present.items() if value not in (None, "", {}, [])}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return redact_text(formatter.formatException(record.exc_info))
    given = getattr(record, "stack_trace", "")
    return redact_text(given) if given else ""
