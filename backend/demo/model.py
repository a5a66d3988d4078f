"""A simulated language model behind the OpenAI chat protocol: it repeats what it was given and says that it does."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from backend.demo.replies import Reply, Request, json_reply

MODEL = "demo-model"
WORD_PACE = 0.04
FACTS = 4
_RECORD = re.compile(r"DEMO-\d{4}-\d{4}")
_MARKER = re.compile(r"^=====.*=====$", re.MULTILINE)


def answer(messages: list[dict[str, Any]]) -> str:
    """Return what the model says to a conversation: its nature, the question, and the records that it was shown."""
    texts = [str(message.get("content") or "") for message in messages]
    asked = next((text for text, m in zip(texts[::-1], messages[::-1], strict=True) if m.get("role") == "user"), "")
    shown = [line for text in texts for line in text.splitlines() if _RECORD.search(line)]
    found = list(dict.fromkeys(name for line in shown for name in _RECORD.findall(line)))
    asked = _question(asked)
    named = [name for name in _RECORD.findall(asked) if name in found] or found
    parts = [
        "This is a **simulated model** on this machine: it understands nothing and only repeats what it was given.",
        f"You asked: “{_short(asked, 200)}”",
    ]
    if not named:
        return "\n\n".join([*parts, "No demo records came with the question, so there is nothing to repeat."])
    listed = "\n".join(f"- **{name}**: {_line_about(name, shown)}" for name in named[:3])
    parts.append(f"{len(found)} demo records came with it. First among them:\n\n{listed}")
    parts.append("With a real model you would read an assessment here.")
    return "\n\n".join(parts)


def _question(text: str) -> str:
    """What follows the last marker line of a prompt that keeps data and question apart; else the whole."""
    return " ".join(_MARKER.split(text)[-1].split())


def _line_about(name: str, shown: list[str]) -> str:
    """The first facts of the line that is about `name`; the prompt parts them by bars."""
    line = next((line for line in shown if line.lstrip("- ").startswith(name)), name)
    facts = [fact.strip(' -:,"*]') for fact in line[line.index(name) + len(name) :].split("|")]
    told = ", ".join([fact for fact in facts if fact][:FACTS])
    return _short(told, 240) or "named without further data"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def complete(request: Request, now: datetime, *, pace: float = WORD_PACE) -> Reply:
    """Answer POST /v1/chat/completions, as a stream where that is asked for."""
    try:
        asked = json.loads(request.body or b"{}")
        messages = [message for message in asked["messages"] if isinstance(message, dict)]
    except (ValueError, KeyError, TypeError):
        return _refusal("messages are missing or the body is not JSON")
    text = answer(messages)
    head = {"id": f"demo-{int(now.timestamp())}", "created": int(now.timestamp()), "model": MODEL}
    usage = {"prompt_tokens": len(str(messages)) // 4, "completion_tokens": len(text) // 4}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    if not asked.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return json_reply({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    return Reply(_stream(head, text, usage), "text/event-stream; charset=utf-8", pace=pace, streamed=True)


def _refusal(reason: str) -> Reply:
    return json_reply({"error": {"message": reason, "type": "invalid_request_error"}}, status=400)


def _stream(head: dict[str, Any], text: str, usage: dict[str, int]) -> tuple[bytes, ...]:
    words = re.findall(r"\s*\S+", text)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": words[0]}, *({"content": w} for w in words[1:])]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    frame = {**head, "object": "chat.completion.chunk"}
    events = [{**frame, "choices": [choice]} for choice in choices]
    events.append({**frame, "choices": [], "usage": usage})
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    return tuple(f"data: {line}\n\n".encode() for line in [*lines, "[DONE]"])


def models() -> Reply:
    """Answer GET /v1/models."""
    entry = {"id": MODEL, "object": "model", "created": 0, "owned_by": "demo"}
    return json_reply({"object": "list", "data": [entry]})
