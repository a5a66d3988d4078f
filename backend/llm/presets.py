"""The providers by name: where they are, which model by default, what they need.

Model names change: xAI retired grok-3, grok-4-fast and others in May 2026 and names grok-4.3 as the replacement.
JUPITER_LLM_MODEL sets another one; `models()` of a provider lists what it has.
To add a provider: a line here and its name in backend/config/schemas.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """What is known about a provider.

    Args:
        base_url: where it serves the OpenAI chat protocol; None where the operator has to say.
        model: the model unless one is set.
        needs_key: whether it answers nothing without a key.
        max_tokens: a bound for one answer, reasoning included; None sends none, because small servers refuse a
            bound that is larger than their context.
    """

    base_url: str | None
    model: str
    needs_key: bool = True
    max_tokens: int | None = None


PRESETS: Mapping[str, Preset] = {
    "grok": Preset("https://api.x.ai/v1", "grok-4.3", max_tokens=8192),
    "openai": Preset("https://api.openai.com/v1", "gpt-5.4-mini", max_tokens=8192),
    "ollama": Preset("http://127.0.0.1:11434/v1", "llama3.2", needs_key=False),
    "compatible": Preset(None, "default", needs_key=False),
}
