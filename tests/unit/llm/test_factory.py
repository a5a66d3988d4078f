"""Which provider the settings make."""

import pytest

from backend.errors import NotConfiguredError
from backend.llm.factory import make_provider
from backend.llm.presets import PRESETS
from backend.llm.timeouts import Timeouts
from backend.resilience.policy import Policy


@pytest.mark.parametrize("name", ["grok", "openai"])
def test_a_hosted_provider_without_a_key_is_not_configured(name):
    provider = make_provider(name)
    assert not provider.configured
    with pytest.raises(NotConfiguredError, match="JUPITER_LLM_API_KEY"):
        provider.stream([])


def test_any_server_needs_its_address():
    provider = make_provider("compatible", api_key="k")
    assert not provider.configured
    with pytest.raises(NotConfiguredError, match="JUPITER_LLM_BASE_URL"):
        provider.stream([])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("grok", {"api_key": "k"}),
        ("openai", {"api_key": "k"}),
        ("grok", {"base_url": "http://127.0.0.1:1/v1"}),
        ("ollama", {}),
        ("compatible", {"base_url": "http://127.0.0.1:1/v1"}),
    ],
)
def test_with_what_it_needs_a_provider_is_configured(name, settings):
    provider = make_provider(name, **settings)
    assert provider.configured
    assert (provider.name, provider.model) == (name, PRESETS[name].model)


def test_the_model_is_a_setting():
    assert make_provider("ollama", model="qwen3:8b").model == "qwen3:8b"


def test_an_unknown_provider_is_told_with_those_that_are_known():
    with pytest.raises(ValueError, match="grok, openai, ollama, compatible"):
        make_provider("skynet")


def test_the_provider_that_is_missing_does_nothing_but_say_so():
    provider = make_provider("grok")
    provider.warm_up()
    assert provider.models() == []
    assert provider.model == ""


def test_ten_seconds_for_a_call_give_the_default_bounds():
    assert Timeouts.scaled(10) == Timeouts()


def test_the_guard_gives_the_model_the_time_that_it_has_and_retries_soon():
    policy = Timeouts().policy(Policy(failure_threshold=3, attempts=2))
    assert (policy.failure_threshold, policy.attempts) == (3, 2)
    assert policy.timeout > Timeouts().silence
    assert policy.max_delay <= 2
