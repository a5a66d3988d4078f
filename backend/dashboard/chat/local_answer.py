"""The answer without a model: what the local data says, in Markdown, and in its first sentence why there is no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from backend.dashboard.chat.grounding import Grounding, Record, pulse_lines, status_lines
from backend.dashboard.markdown import escape
from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DashboardError,
    DeadlineExceededError,
    FeatureDisabledError,
    NotConfiguredError,
)

_OPENING = "This answer comes from Jupiter's local data, because"


def local_answer(grounding: Grounding, error: DashboardError) -> str:
    """Return the answer.

    Args:
        grounding: what the local data holds on the question.
        error: why there is no answer of the model.
    """
    question = grounding.question
    parts = [opening(error)]
    parts += [_missing(grounding.missing)] if grounding.missing else []
    if grounding.records:
        parts.append(_heading(grounding))
        parts += _records(grounding)
    if question.about_status and grounding.status:
        parts.append(_status(grounding.status))
    if lines := pulse_lines(grounding.pulse):
        parts.append(_listed(lines))
    if len(parts) == 1:
        parts.append(_nothing(grounding))
    return "\n\n".join(parts)


def opening(error: DashboardError) -> str:
    """Return the first sentences: that this is local data, why, and what to do about it."""
    return f"{_OPENING} {_cause(error)}."


def is_local(text: str) -> bool:
    """Tell whether an answer is one from local data, which quotes strangers."""
    return text.startswith(_OPENING)


def _cause(error: DashboardError) -> str:
    if isinstance(error, NotConfiguredError):
        todo = _inside(str(error)) or "see the settings in the README"
        return f"no language model is configured: {todo}, or try it out with `python run.py demo`"
    if isinstance(error, FeatureDisabledError):
        return "the chat with the language model is switched off at the moment"
    if isinstance(error, CircuitBreakerOpenError):
        return _pause(error)
    if isinstance(error, BulkheadFullError):
        return "the language model is busy with other questions. Ask again in a moment"
    if isinstance(error, DeadlineExceededError):
        return "the language model did not answer in time. Ask again in a moment"
    return f"there is no answer of the language model: {_inside(error.message)}. {error.suggestion.rstrip('.')}"


def _inside(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _pause(error: CircuitBreakerOpenError) -> str:
    cause = error.last_cause
    why = f" ({cause.message.rstrip('.')})" if isinstance(cause, DashboardError) else ""
    if error.retry_after is None:  # opened by hand
        return "the language model is taken out of service until an administrator puts it back"
    return f"the language model has been failing{why}; it is tried again in {ceil(error.retry_after)} s"


def _missing(ids: Sequence[str]) -> str:
    names = ", ".join(f"**{escape(name, 60)}**" for name in ids)
    verb = "is" if len(ids) == 1 else "are"
    return f"{names} {verb} not in the local data. That does not mean harmless: look it up at its issuer."


def _heading(grounding: Grounding) -> str:
    question, dated = grounding.question, _dated(grounding.as_of)
    if question.ids:
        return f"What is recorded{dated}:"
    if question.ransomware:
        return f"Known to be used by ransomware{dated}, the most pressing first:"
    if question.newest:
        return f"The newest, out of {grounding.total} threat records{dated}:"
    if question.top:
        return f"The most pressing by priority, out of {grounding.total} threat records{dated}:"
    return f"These local records{dated} match words of the question; whether they answer it is for you to judge:"


def _dated(as_of: str | None) -> str:
    return f" (as of {as_of[:16].replace('T', ' ')} UTC)" if as_of else ""


def _records(grounding: Grounding) -> list[str]:
    if grounding.question.ids:
        return [_whole(record) for record in grounding.records]
    return ["\n".join(f"{at}. {_line(record)}" for at, record in enumerate(grounding.records, 1))]


def _whole(record: Record) -> str:
    lines = [f"**{escape(record.get('id'), 60)}**: {escape(record.get('title'), 200)}"]
    lines += [f"- {mark}" for mark in _marks(record)]
    lines += [f"- {escape(record['summary'], 600)}"] if record.get("summary") else []
    lines += [f"- What to do: {escape(record['required_action'], 400)}"] if record.get("required_action") else []
    return "\n".join(lines)


def _line(record: Record) -> str:
    marks = "; ".join(_marks(record))
    return f"**{escape(record.get('id'), 60)}**: {escape(record.get('title'), 160)}" + (f" ({marks})" if marks else "")


def _marks(record: Record) -> list[str]:
    marks = ["known to be exploited"] if record.get("known_exploited") else []
    marks += ["used by ransomware"] if record.get("ransomware") is True else []
    marks += [f"severity {escape(record['severity'], 20)}"] if record.get("severity") else []
    if isinstance(record.get("epss"), int | float):
        marks.append(f"EPSS {record['epss']:.1%} within 30 days")
    marks += [f"due {escape(str(record['due_date'])[:10], 20)}"] if record.get("due_date") else []
    marks += [f"published {escape(str(record['published'])[:10], 20)}"] if record.get("published") else []
    return marks


def _status(status: Mapping[str, Any]) -> str:
    return "State of the system:\n\n" + "\n".join(f"- {escape(line, 300)}" for line in status_lines(status))


def _listed(lines: list[str]) -> str:
    heading, *topics = (escape(line, 300) for line in lines)
    return f"{heading}\n\n" + "\n".join(f"- {topic}" for topic in topics)


def _nothing(grounding: Grounding) -> str:
    if not grounding.total:
        return (
            "No threat records are loaded, so there is nothing to look the question up in. "
            "The threats panel says which source is missing and when it is tried next."
        )
    return (
        f"None of the {grounding.total} threat records here says anything about this question, and without the "
        "language model there is no other knowledge to answer from. What can be asked: an id such as CVE-2024-3400, "
        "a vendor or product, the newest or the most likely exploited threats, the status of the system."
    )
