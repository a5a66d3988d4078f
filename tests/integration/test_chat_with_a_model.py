"""The chat with everything real but the model's server: guard, client, HTTP, SQLite."""

import json
import threading
import time

import pytest

from backend import runtime
from backend.dashboard.chat.service import ChatService
from backend.llm.factory import make_provider
from backend.llm.timeouts import Timeouts
from backend.resilience.clock import SystemClock
from backend.resilience.events import RetryScheduled
from backend.resilience.guard import Guards, Policy
from backend.schemas.chat import ChatErrorSchema
from backend.storage.sqlite import SqliteDatabase
from tests.support.llm_server import event as sse
from tests.support.llm_server import hang, head, reply, said, serving, then_hang
from tests.support.requirements import require_data

ME = "analyst-1"
FAST = Timeouts(connect=1.0, silence=5.0, first_piece=5.0, total=10.0)
POLICY = FAST.policy(Policy(failure_threshold=3, open_seconds=60.0, base_delay=0.01))


class Ahead(SystemClock):
    """The machine's clock, moved on by hand."""

    seconds = 0.0

    def monotonic(self):
        return time.monotonic() + self.seconds


class World:
    """The chat, its guard and what it sent."""

    def __init__(self, path, server):
        self.clock = Ahead()
        self.guards = Guards(clock=self.clock)
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


RECORDINGS = ("xai-short.sse", "xai-grok3mini-reasoning.sse", "openai-text.sse", "groq-text.sse")


def recorded(name):
    return (require_data() / "llm" / name).read_bytes()


def contents_in(raw):
    """The content deltas of a recording in their order, found without the code under test."""
    events = [json.loads(line[6:]) for line in raw.decode().splitlines() if line.startswith("data: {")]
    deltas = [choice["delta"].get("content") for event in events for choice in event["choices"]]
    return [delta for delta in deltas if delta]


def pieces(world, message_id):
    return [p["delta"] for e, p, _ in world.events if e == "chat_delta" and p["message_id"] == message_id]


@pytest.mark.data
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_answer_is_its_content_deltas_joined_and_kept_so(tmp_path, name):
    raw = recorded(name)
    with serving(reply(raw)) as server:
        world = World(tmp_path, server)
        event, payload = world.ask()
    deltas = contents_in(raw)
    assert (event, payload["degraded"]) == ("chat_response", False)
    assert pieces(world, payload["message_id"]) == deltas
    assert payload["response"] == "".join(deltas)
    messages = world.chat.history(ME, payload["conversation_id"])["messages"]
    assert [message["content"] for message in messages] == ["Say a single word.", "".join(deltas)]


@pytest.mark.data
@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_recorded_answer_that_is_cut_is_told_as_such_and_whole_when_asked_again(tmp_path, name, share):
    raw = recorded(name)
    deltas = contents_in(raw)
    end = raw.rfind(b"\n\n", 0, int(raw.rindex(b'"finish_reason":"stop"') * share))
    with serving(in_turn(*[reply(raw[: end + 2])] * 2, reply(raw))) as server:
        world = World(tmp_path, server)
        event, payload = world.ask()
        said = "".join(pieces(world, payload["message_id"]))
        if event == "chat_error":
            assert (payload["recoverable"], payload["type"]) == (True, "UPSTREAM_ERROR")
            assert "broke off" in payload["error"]
            assert payload["suggestion"].startswith("Ask again")
            assert payload.get("partial_text", "") == said
            assert "".join(deltas).startswith(said)
            while server.requests and len(server.requests) < 2:  # a cut before the first piece is tried again by itself
                _, payload = world.wait_for(world.chat.retry(ME, payload["message_id"])["message_id"])
            event, payload = world.wait_for(world.chat.retry(ME, payload["message_id"])["message_id"])
    assert (event, payload["response"]) == ("chat_response", "".join(deltas))


@pytest.mark.data
def test_a_flowing_answer_is_stopped_within_a_fifth_of_a_second_and_says_no_more(tmp_path):
    events = [event + b"\n\n" for event in recorded("groq-text.sse").split(b"\n\n") if event.strip()]

    def slowly(connection):
        connection.sendall(head())
        for one in events:
            connection.sendall(one)
            runtime.sleep(0.005)

    with serving(slowly) as server:
        world = World(tmp_path, server)
        ids = world.chat.send(ME, "Say a single word.")
        while len(pieces(world, ids["message_id"])) < 20:
            runtime.sleep(0.005)
        began = time.monotonic()
        world.chat.stop(ME, ids["message_id"])
        _, payload = world.wait_for(ids["message_id"])
        at = world.events[-1][2]
        runtime.sleep(0.1)
    assert at - began < 0.2
    assert world.events[-1][1] == payload
    assert payload["response"] == "".join(pieces(world, ids["message_id"]))
    assert payload["stopped"] is True


XAI = '{"code": "%s", "error": "%s"}'
OPENAI = '{"error": {"message": "%s", "type": "%s", "code": "%s"}}'
REFUSALS = {
    "xAI, wrong key, 400": (
        400,
        XAI % ("Client specified an invalid argument", "Incorrect API key provided: xa***"),
        "_API_KEY",
    ),
    "xAI, no credit, 403": (
        403,
        XAI % ("The caller does not have permission", "Your team has no credits"),
        "add credit",
    ),
    "xAI, spent, 429": (429, XAI % ("Some resource has been exhausted", "monthly spending limit"), "raise the limit"),
    "wrong key, 401": (401, OPENAI % ("Incorrect API key", "invalid_request_error", "invalid_api_key"), "_API_KEY"),
    "no permission, 403": (403, OPENAI % ("Project does not have access", "invalid_request_error", "x"), "permissions"),
    "no such model, 404": (404, OPENAI % ("The model `m` does not exist", "x", "model_not_found"), "_LLM_MODEL"),
    "too long, 400": (400, OPENAI % ("too many tokens", "invalid_request_error", "context_length_exceeded"), "shorter"),
    "rules, 400": (400, OPENAI % ("content policy violation", "x", "content_policy_violation"), "other words"),
    "too fast, 429": (429, OPENAI % ("Rate limit reached", "requests", "rate_limit_exceeded"), "Wait the time"),
    "fault, 500": (500, "oops", "again"),
    "fault, 503": (503, "{}", "again"),
    "gateway page, 502": (502, "<!doctype html><html>Bad gateway</html>", "again"),
    "page, 200": (200, "<!doctype html><html>Sign in</html>", "again"),
    "redirect": (302, "", "_BASE_URL"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_ends_in_an_error_with_what_to_do_and_the_local_data(tmp_path, name):
    status, body, todo = REFUSALS[name]
    kind = "text/html" if "html" in body else "application/json"
    with serving(reply(body, status, kind, Retry_After="7")) as server:
        event, payload = World(tmp_path, server).ask()
    assert event == "chat_error"
    assert todo in payload["suggestion"], payload["suggestion"]
    assert payload["recoverable"] is True
    assert "local data" in payload["fallback"]["response"]
    assert ChatErrorSchema().validate(payload) == {}
    if status == 429 and "spending" not in body:
        assert payload["retry_after"] == 7
    assert "xa***" not in str(payload)


BROKEN = {
    "malformed chunk": said("Hel") + b"data: {not json\n\n",
    "error inside the stream": said("Hel") + sse(error={"message": "overloaded", "type": "server_error", "code": 502}),
    "xAI's error inside the stream": said("Hel") + sse(code="internal", error="The service is overloaded"),
    "truncated": said("Hel"),
    "broken UTF-8": said("Hel") + b"data: \xff\xfe\n\n",
    "nonsense": said("Hel") + sse(choices=7),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_stream_ends_in_an_error_that_keeps_what_was_said(tmp_path, name):
    with serving(reply(BROKEN[name])) as server:
        event, payload = World(tmp_path, server).ask()
    assert event == "chat_error"
    assert payload["partial_text"] == "Hel"
    assert payload["suggestion"]
    assert "fallback" not in payload


def test_the_models_of_the_provider_are_listed_over_http(tmp_path):
    listing = json.dumps({"object": "list", "data": [{"id": "b", "object": "model"}, {"id": "a", "object": "model"}]})
    with serving(reply(listing, kind="application/json")) as server:
        world = World(tmp_path, server)
        shown = world.chat.models()
        assert (shown["models"], shown["default"]) == (["m", "a", "b"], "m")
        assert server.requests[0]["path"] == "/v1/models"


@pytest.mark.parametrize("chosen", [None, "b"])
def test_the_chosen_model_is_the_one_that_is_asked(tmp_path, chosen):
    listing = json.dumps({"data": [{"id": "b"}]})
    with serving(in_turn(reply(listing, kind="application/json"), reply(said("Hello", "stop")))) as server:
        world = World(tmp_path, server)
        world.chat.models()
        ids = world.chat.send(ME, "Hello?", model=chosen)
        _, payload = world.wait_for(ids["message_id"])
        assert (payload["model"], server.requests[-1]["body"]["model"]) == (chosen or "m", chosen or "m")


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


def test_an_answer_is_stopped_within_a_fifth_of_a_second_while_it_waits_to_be_tried_again(tmp_path):
    with serving(reply("", 503, "application/json", Retry_After="2")) as server:
        world, pauses = World(tmp_path, server), []
        world.guards.listeners.subscribe(pauses.append, RetryScheduled)
        ids = world.chat.send(ME, "Say a single word.")
        while not pauses:
            runtime.sleep(0.005)
        began = time.monotonic()
        assert world.chat.stop(ME, ids["message_id"])["stopped"]
        event, payload, at = world.events[-1]
        assert (event, payload["stopped"], payload["response"]) == ("chat_response", True, "")
        assert at - began < 0.2
        runtime.sleep(2.2)
        assert len(server.requests) == 1
        assert world.events[-1][2] == at  # nothing follows


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
    assert "JUPITER_LLM_API_KEY" in payload["suggestion"]
    assert "JUPITER_LLM_API_KEY" in payload["fallback"]["response"].split("\n\n")[0]
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
        world.clock.seconds += 61
        _, payload = world.ask()
    assert (payload["response"], payload["degraded"]) == ("Hello", False)
    assert payload["feature_status"] == {"enabled": True, "circuit_breaker": "closed", "failures": 0}


def test_answers_of_several_people_are_made_at_the_same_time(tmp_path):
    all_asked = threading.Event()

    def when_all_have_asked(connection):
        connection.sendall(head() + said("Hel"))
        if len(server.requests) == 10:
            all_asked.set()
        assert all_asked.wait(4), "one after the other"
        connection.sendall(said("lo", "stop"))

    with serving(when_all_have_asked) as server:
        world = World(tmp_path, server)
        asked = [world.chat.send(f"analyst-{number}", "Hello?") for number in range(10)]
        answers = [world.wait_for(ids["message_id"])[1]["response"] for ids in asked]
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
