"""The language model with each fault: the chat answers from local data, the rest goes on, and it heals by itself."""

import time

import pytest

from tests.support.client import eventually
from tests.support.faults import AT_ONCE, QUICK, THRESHOLD, World
from tests.support.server import Jupiter
from tests.support.upstream import FAULTS

pytestmark = pytest.mark.data
FEATURE = "grok_chat"
BREAK = 4.0  # long enough that the next question still finds it
SETTINGS = {**QUICK, "JUPITER_CALL_TIMEOUT_SECONDS": "0.5", "JUPITER_BREAKER_OPEN_SECONDS": str(BREAK)}


@pytest.fixture(scope="module")
def world(upstreams, tmp_path_factory):
    upstreams.heal()
    with Jupiter(tmp_path_factory.mktemp("fault-llm"), {**upstreams.environ(), **SETTINGS}) as jupiter:
        made = World(upstreams, jupiter)
        made.wait_until_well()
        yield made
        assert jupiter.stop() == 0
        assert "Traceback" not in jupiter.output


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_model_is_replaced_by_local_data_guarded_against_and_heals(world, fault):
    world.wait_until_well()
    assert world.ask("hello")[1]["response"] == "Hello"
    errors, since = world.errors(), world.events.mark()
    world.upstreams.set(llm=fault)

    for _ in range(THRESHOLD):
        assert world.feature(FEATURE)["circuit_breaker"] == "closed"
        _clear(*world.ask("What is CVE-2014-0160?"))
    reached = 0 if fault == "refuse" else THRESHOLD
    eventually(lambda: len(world.upstreams.under_fault("llm")) >= reached)  # noted at last, if given up before
    assert len(world.upstreams.under_fault("llm")) == reached
    opened = world.events.wait_for(
        "status_update", lambda data: data["features"][FEATURE]["circuit_breaker"] == "open", since=since
    )
    assert opened["features"][FEATURE]["enabled"] is False
    assert world.feature(FEATURE)["reason"]
    assert world.errors() >= errors + THRESHOLD

    began = time.monotonic()
    name, data = world.ask("What is CVE-2014-0160?")
    assert (name, data["degraded"]) == ("chat_response", True), data
    assert "CVE-2014-0160" in data["response"]
    assert data["reason"]["type"] == "CIRCUIT_OPEN"
    assert data["reason"]["retry_after"] > 0
    assert data["feature_status"]["circuit_breaker"] == "open"
    assert time.monotonic() - began < AT_ONCE
    assert len(world.upstreams.under_fault("llm")) == reached
    world.everything_answers(but=FEATURE)

    since = world.events.mark()
    world.upstreams.set(llm="ok")
    eventually(lambda: world.ask("hello")[1]["response"] == "Hello", timeout=3 * BREAK + 5, interval=0.3)
    closed = world.events.wait_for(
        "status_update", lambda data: data["features"][FEATURE]["circuit_breaker"] == "closed", since=since
    )
    assert closed["features"][FEATURE]["enabled"] is True
    assert world.feature(FEATURE) | {"enabled": True, "circuit_breaker": "closed"} == world.feature(FEATURE)


def _clear(name, data):
    """Either an answer from local data that says why, or an error with a suggestion; never as if nothing were."""
    if name == "chat_response":
        assert data["degraded"] is True, data
        assert data["reason"]["message"], data
        assert data["reason"]["suggestion"], data
        assert "local data" in data["response"], data
    else:
        assert data["error"], data
        assert data["suggestion"], data
        assert data["type"], data
        assert data["recoverable"] is True, data


@pytest.mark.parametrize("fault", ["truncated", "garbage", "nonsense"])
def test_an_answer_that_breaks_off_keeps_what_was_said_and_says_that_it_broke_off(upstreams, tmp_path, fault):
    upstreams.heal()
    settings = {**upstreams.environ(), **SETTINGS, "JUPITER_LLM_MODEL": "openai-text"}
    with Jupiter(tmp_path, settings) as jupiter:
        world = World(upstreams, jupiter)
        whole = world.ask("Tell me a story")[1]["response"]
        assert len(whole) > 200
        since = world.events.mark()
        upstreams.set(llm=fault)
        name, data = world.ask("Tell me a story")
        assert name == "chat_error", data
        _clear(name, data)
        said = "".join(delta["delta"] for delta in world.events.named("chat_delta", since))
        assert said
        assert data["partial_text"] == said
        assert whole.startswith(said)
        history = world.events.call("chat_history", {"conversation_id": data["conversation_id"]})["data"]
        assert history["messages"][-1]["content"] == said
        assert history["messages"][-1]["status"] == "incomplete"
