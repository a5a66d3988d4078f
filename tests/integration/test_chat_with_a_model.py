"""The chat with everything real but the model's server: guard, client, HTTP, SQLite."""

import time

import pytest

from backend import runtime
from backend.dashboard.chat import ChatService
from backend.llm.factory import make_provider
from backend.llm.timeouts import Timeouts
from backend.resilience.guard import Guards, Policy
from backend.storage.sqlite import SqliteDatabase
from tests.support.llm_server import hang, head, reply, said, serving, then_hang
from tests.support.requirements import require_data

ME = "analyst-1"
FAST = Timeouts(connect=1.0, silence=5.0, first_piece=5.0, total=10.0)
POLICY = FAST.policy(Policy(failure_threshold=3, open_seconds=0.3, base_delay=0.01))


class World:
    """The chat, its guard and what it sent."""

    def __init__(self, path, server):
        self.guards = Guards()
        self.guard = self.guards.add("llm", feature="grok_chat", policy=POLICY)
        self.events = []
        self.database = SqliteDatabase(path / "chat.db")
        self.chat = ChatService(
            self.database,
            make_provider("compatible", base_url=server.url, model="m", timeouts=FAST),
            self.guard,
            threats_find=lambda **_: [],
            status=lambda: {"health": "healthy"},
            feature_status=lambda: self.guards.feature_status()["grok_chat"],
            emit=lambda user, event, payload: self.events.append((event, payload, time.monotonic())),
        )

    def ask(self, text="Say a single word."):
        """Ask, and return the last event's name and payload."""
        ids = self.chat.send(ME, text)
        return self.wait_for(ids["message_id"])

    def wait_for(self, message_id, events=("chat_response", "chat_error"), seconds=10):
        """Return the first of these events about an answer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for event, payload, _ in self.events:
                if event in events and payload["message_id"] == message_id:
                    return event, payload
            runtime.sleep(0.005)
        raise AssertionError(f"no {events} in {seconds} s")


@pytest.mark.data
def test_a_recorded_answer_is_streamed_and_kept(tmp_path):
    raw = (require_data() / "llm" / "xai-grok3mini-reasoning.sse").read_bytes()
    with serving(reply(raw)) as server:
        world = World(tmp_path, server)
        event, payload = world.ask()
    assert (event, payload["response"], payload["degraded"]) == ("chat_response", "Grok", False)
    assert [p["delta"] for e, p, _ in world.events if e == "chat_delta"] == ["G", "rok"]
    messages = world.chat.history(ME, payload["conversation_id"])["messages"]
    assert [message["content"] for message in messages] == ["Say a single word.", "Grok"]


@pytest.mark.parametrize(("script", "kept"), [(hang, ""), (then_hang(said("Hel")), "Hel")])
def test_an_answer_is_stopped_within_a_fifth_of_a_second_though_the_provider_hangs(tmp_path, script, kept):
    with serving(script) as server:
        world = World(tmp_path, server)
        ids = world.chat.send(ME, "Say a single word.")
        while not server.requests or (kept and not any(event == "chat_delta" for event, _, _ in world.events)):
            runtime.sleep(0.005)
        began = time.monotonic()
        assert world.chat.stop(ME, ids["message_id"])["stopped"]
        ended = time.monotonic()
    event, payload, at = world.events[-1]
    assert (event, payload["stopped"], payload["response"]) == ("chat_response", True, kept)
    assert at - began < 0.2
    assert ended - began < 0.2
    message = world.chat.history(ME, ids["conversation_id"])["messages"][-1]
    assert (message["content"], message["status"]) == (kept, "stopped")


def test_stopping_says_nothing_about_the_provider(tmp_path):
    with serving(hang) as server:
        world = World(tmp_path, server)
        for number in range(5):
            ids = world.chat.send(ME, "Say a single word.")
            while len(server.requests) <= number:
                runtime.sleep(0.005)
            world.chat.stop(ME, ids["message_id"])
    status = world.guards.feature_status()["grok_chat"]
    assert (status["circuit_breaker"], status["failures"]) == ("closed", 0)
    assert world.guards.aggregator.get_error_stats()["total_errors"] == 0


def in_turn(*scripts):
    """Follow one script after the other, the last one for ever."""
    left = list(scripts)

    def script(connection):
        now = left.pop(0) if len(left) > 1 else left[0]
        now(connection)

    return script


def test_a_failure_before_the_first_piece_is_tried_again(tmp_path):
    with serving(in_turn(reply("", 500), reply(said("Hello", "stop")))) as server:
        _, payload = World(tmp_path, server).ask()
        assert (payload["response"], payload["degraded"]) == ("Hello", False)
        assert len(server.requests) == 2


def test_a_failure_after_the_first_piece_is_not_tried_again(tmp_path):
    with serving(in_turn(reply(said("Hel")), reply(said("Hello", "stop")))) as server:
        event, payload = World(tmp_path, server).ask()
        assert (event, payload["partial_text"]) == ("chat_error", "Hel")
        assert len(server.requests) == 1


def test_a_refused_key_is_not_tried_again_and_its_true_reason_is_told(tmp_path):
    body = '{"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***"}'
    with serving(reply(body, 400, "application/json")) as server:
        world = World(tmp_path, server)
        _, payload = world.ask()
        assert len(server.requests) == 1
    assert payload["degraded"] is True
    assert "JUPITER_LLM_API_KEY" in payload["response"].split("\n\n")[0]
    assert payload["feature_status"]["failures"] == 1
    assert world.guards.aggregator.get_error_stats()["errors_by_type"] == {"grok_chat_failure": 1}


def test_a_failing_provider_is_left_alone_after_some_failures_and_asked_again_later(tmp_path):
    failing = [True]

    def script(connection):
        reply("", 401)(connection) if failing[0] else reply(said("Hello", "stop"))(connection)

    with serving(script) as server:
        world = World(tmp_path, server)
        for _ in range(3):
            world.ask()
        reached = len(server.requests)
        _, payload = world.ask()
        assert len(server.requests) == reached == 3
        assert payload["reason"]["type"] == "CIRCUIT_OPEN"
        assert "does not accept the API key" in payload["response"]
        assert payload["feature_status"] == {"enabled": False, "circuit_breaker": "open", "failures": 3}
        failing[0] = False
        runtime.sleep(0.35)
        _, payload = world.ask()
    assert (payload["response"], payload["degraded"]) == ("Hello", False)
    assert payload["feature_status"] == {"enabled": True, "circuit_breaker": "closed", "failures": 0}


def test_answers_of_several_people_are_made_at_the_same_time(tmp_path):
    def slowly(connection):
        connection.sendall(head() + said("Hel"))
        runtime.sleep(0.3)
        connection.sendall(said("lo", "stop"))

    with serving(slowly) as server:
        world = World(tmp_path, server)
        began = time.monotonic()
        asked = [world.chat.send(f"analyst-{number}", "Hello?") for number in range(10)]
        answers = [world.wait_for(ids["message_id"])[1]["response"] for ids in asked]
        assert time.monotonic() - began < 2.8  # one after the other would take 3 s
    assert answers == ["Hello"] * 10


def test_the_first_piece_is_sent_on_at_once(tmp_path):
    sent = []

    def script(connection):
        connection.sendall(head())
        runtime.sleep(0.05)
        sent.append(time.monotonic())
        connection.sendall(said("Hel"))
        runtime.sleep(0.3)
        connection.sendall(said("lo", "stop"))

    with serving(script) as server:
        world = World(tmp_path, server)
        world.ask()
    first = next(at for event, _, at in world.events if event == "chat_delta")
    assert first - sent[0] < 0.1
