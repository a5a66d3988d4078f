"""Makes the provider that the settings name."""

from __future__ import annotations

from backend.llm.openai_provider import OpenAIProvider
from backend.llm.presets import PRESETS
from backend.llm.provider import LLMProvider, NullProvider
from backend.llm.timeouts import TIMEOUTS, Timeouts
from backend.resilience.clock import SYSTEM_CLOCK, Clock


def make_provider(
    provider: str = "grok",
    *,
    model: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    timeouts: Timeouts = TIMEOUTS,
    clock: Clock = SYSTEM_CLOCK,
) -> LLMProvider:
    """Return the provider, or one that says what is missing.

    It counts as configured with a key, with an address that was set explicitly, or where the provider needs neither.

    Args:
        provider: grok, openai, ollama or compatible.
        model: in place of the provider's default.
        base_url: in place of the provider's own address.
        api_key: the key.

    Raises:
        ValueError: there is no such provider.
    """
    preset = PRESETS.get(provider)
    if preset is None:
        raise ValueError(f"there is no provider {provider!r}; known are {', '.join(PRESETS)}")
    address = base_url or preset.base_url
    if address is None:
        return NullProvider(provider, "Set JUPITER_LLM_BASE_URL to the server's address.")
    if preset.needs_key and not api_key and not base_url:
        return NullProvider(provider, "Set JUPITER_LLM_API_KEY (or JUPITER_LLM_BASE_URL for a server of your own).")
    return OpenAIProvider(
        provider,
        base_url=address,
        model=model or preset.model,
        api_key=api_key or "",
        max_tokens=None if base_url else preset.max_tokens,
        timeouts=timeouts,
        clock=clock,
    )
