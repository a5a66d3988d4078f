"""Texts of strangers inside Markdown."""

from __future__ import annotations

import re
from typing import Any

from backend.llm.prompts import clean

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+")


def escape(text: Any, limit: int) -> str:
    """Return text of strangers as plain text on one line, at most `limit` characters before escaping."""
    return _SPECIAL.sub(r"\\\1", clean(text, limit))


def link(address: Any) -> str:
    """Return a web address as a link, nothing for all else."""
    return f"<{address}>" if isinstance(address, str) and _ADDRESS.fullmatch(address) else ""
