"""What goes to Redis, and what its answers mean; the client is played by hand, no sockets."""

import json
from types import SimpleNamespace

import pytest
from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

from backend.resilience.fleet.redis_server import RedisServer, RedisSubscription, open_client, script
from backend.resilience.fleet.server import Request, ServerAwayError


def request(noun="breaker", name="feed", operation="sync", **args):
    return Request(noun, name, operation, args, lambda reply: None)


class Pipeline:
    def __init__(self, client):
        self.client = client
        self.sent = []

    def evalsha(self, *args):
        self.sent.append(args)

    def execute(self, raise_on_error):
        assert raise_on_error is False
        self.client.exchanges.append(self.sent)
        return self.client.answer()


class PubSub:
    def __init__(self, client):
        self.client = client
        self.said = []

    def subscribe(self, channel):
        self.said.append(("subscribe", channel))
        self.client.answer()

    def get_message(self, timeout):
        self.said.append(("get", timeout))
        return self.client.answer()

    def ping(self):
        self.said.append("ping")
        self.client.answer()

    def close(self):
        self.said.append("close")
        self.client.answer()


class Client:
    """Answers with what is prepared, an error by raising it; with None when that is used up."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.exchanges = []
        self.loaded = []
        self.ranges = []
        self.said = []
        self.connection_pool = SimpleNamespace(disconnect=lambda: self.said.append("disconnect"))

    def answer(self):
        given = self.answers.pop(0) if self.answers else None
        if isinstance(given, Exception):
            raise given
        return given

    def pipeline(self, transaction):
        assert transaction is False
        return Pipeline(self)

    def script_load(self, source):
        self.loaded.append(source)
        self.answer()

    def lrange(self, *args):
        self.ranges.append(args)
        return self.answer()

    def pubsub(self):
        return PubSub(self)

    def close(self):
        self.said.append("close")


def served(*answers, **options):
    client = Client(*answers)
    return client, RedisServer(client, source=lambda noun: (f"source of {noun}", f"sha of {noun}"), **options)


# The client and the scripts


def test_a_client_gives_up_in_time_and_never_retries():
    connection = open_client("redis://127.0.0.1:6379/3", 0.5).connection_pool.connection_kwargs
    assert (connection["socket_timeout"], connection["socket_connect_timeout"]) == (0.5, 0.5)
    assert (connection["retry"].get_retries(), connection["protocol"], connection["db"]) == (0, 2, 3)


def test_a_script_goes_by_the_digest_that_redis_gives_it():
    source, digest = script("budget")
    assert "redis.call" in source
    assert len(digest) == 40
    assert script("budget") == (source, digest)
    assert script("board") != (source, digest)


# Questions


def test_all_questions_go_in_one_exchange_with_their_keys():
    client, server = served([b'{"now": 1}', '{"now": 2}', b'{"now": 3}'], installation="shop")
    replies = server.ask([request(a=1), request("budget"), request("board", "errors")])
    assert replies == [{"now": 1}, {"now": 2}, {"now": 3}]
    (sent,) = client.exchanges
    prefix = "jupiter:{shop}:"
    breaker = [f"{prefix}breaker:feed", f"{prefix}counts:feed", f"{prefix}audit"]
    errors = [f"{prefix}errors:notes", f"{prefix}errors:versions", f"{prefix}errors:head"]
    assert sent == [
        ("sha of breaker", 3, *breaker, "sync", '{"a":1}', f"{prefix}news"),
        ("sha of budget", 1, f"{prefix}budget:feed", "sync", "{}", f"{prefix}news"),
        ("sha of board", 3, *errors, "sync", "{}", f"{prefix}news"),
    ]


def test_scripts_that_redis_does_not_know_are_loaded_and_only_their_questions_asked_again():
    first = [b'{"now": 1}', NoScriptError("NOSCRIPT"), NoScriptError("NOSCRIPT")]
    client, server = served(first, None, [b'{"now": 2}', b'{"now": 3}'])
    assert server.ask([request("budget"), request(), request(name="other")]) == [{"now": 1}, {"now": 2}, {"now": 3}]
    assert client.loaded == ["source of breaker"]
    assert [[sent[2] for sent in exchange] for exchange in client.exchanges] == [
        ["jupiter:{main}:budget:feed", "jupiter:{main}:breaker:feed", "jupiter:{main}:breaker:other"],
        ["jupiter:{main}:breaker:feed", "jupiter:{main}:breaker:other"],
    ]


def test_what_is_known_is_not_loaded_again():
    client, server = served([b"{}"])
    server.ask([request()])
    assert (client.loaded, len(client.exchanges)) == ([], 1)


def test_one_question_that_is_refused_leaves_the_others_their_answers():
    _, server = served([ResponseError("WRONGTYPE a list"), b'{"now": 1}'])
    assert server.ask([request(), request()]) == [None, {"now": 1}]


@pytest.mark.parametrize(
    "reply",
    [
        ConnectionError("gone"),
        OutOfMemoryError("full"),
        ReadOnlyError("a replica"),
        ClusterDownError("down"),
        MovedError("3999 127.0.0.1:6381"),
        ResponseError("BUSY a script is running"),
        ResponseError("MISCONF no snapshots"),
        ResponseError("NOREPLICAS not enough"),
    ],
)
def test_a_redis_that_serves_nobody_is_away(reply):
    _, server = served([b"{}", reply])
    with pytest.raises(ServerAwayError, match=type(reply).__name__):
        server.ask([request(), request()])


@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError("slow"), OSError("no route")])
def test_a_redis_that_does_not_answer_is_away(error):
    for steps in (
        [error],
        [[NoScriptError("NOSCRIPT")], error],
        [[NoScriptError("NOSCRIPT")], None, error],
    ):
        _, server = served(*steps)
        with pytest.raises(ServerAwayError):
            server.ask([request()])
    _, server = served(error)
    with pytest.raises(ServerAwayError):
        server.audit(5)


def test_the_audit_is_so_many_of_the_newest():
    client, server = served([b'{"name": "feed"}'])
    assert server.audit(5) == [{"name": "feed"}]
    assert client.ranges == [("jupiter:{main}:audit", 0, 4)]


def test_what_is_no_decision_of_ours_is_no_part_of_the_audit():
    _, server = served([b'{"name": "feed"}', b"nonsense", b"[]", b'{"name": "other"}'])
    assert [entry["name"] for entry in server.audit(5)] == ["feed", "other"]
    _, server = served(ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"))
    assert server.audit(5) == []
    _, server = served(ResponseError("MISCONF no snapshots"))
    with pytest.raises(ServerAwayError):
        server.audit(5)


def test_closing_gives_every_connection_back():
    client, server = served()
    server.close()
    assert client.said == ["close", "disconnect"]


# Messages


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def listening(now):
    def listen(*answers):
        """A subscription whose calls get these answers; the first of all, to subscribe, gets none."""
        subscription = RedisSubscription(Client(None, *answers), "news", 5.0, monotonic=lambda: now[0])
        return subscription, subscription._pubsub.said

    return listen


def message(data, kind="message"):
    return {"type": kind, "data": data}


def test_it_listens_to_the_channel_of_its_installation():
    client, server = served()
    subscription = server.subscribe()
    assert subscription._pubsub.said == [("subscribe", "jupiter:{main}:news")]
    assert subscription._silence == 5.0
    assert client.exchanges == []


def test_a_message_is_handed_on_and_what_is_none_of_ours_is_not(listening):
    ours = json.dumps({"kind": "free"}).encode()
    subscription, said = listening(message(ours), message(1, "subscribe"), message(b"{"), message(b"[]"), message(None))
    assert subscription.next(0.5) == {"kind": "free"}
    assert [subscription.next(0.5) for _ in range(4)] == [None] * 4
    assert said[1:] == [("get", 0.5)] * 5


def test_it_knows_when_redis_has_confirmed_it_and_keeps_that(listening):
    subscription, _ = listening(None, message(b"{}"), message(1, "subscribe"), message(b"{}"))
    confirmed = [subscription.confirmed]
    for _ in range(4):
        subscription.next(0.5)
        confirmed.append(subscription.confirmed)
    assert confirmed == [False, False, False, True, True]


def test_only_what_was_published_is_a_message(listening):
    subscription, _ = listening(message(b'{"kind": "free"}', "pong"))
    assert subscription.next(0.5) is None


def test_after_a_silence_it_pings_once_and_after_two_it_is_dead(listening, now):
    subscription, said = listening()
    now[0] += 4.999
    assert subscription.next(0.5) is None
    assert "ping" not in said
    now[0] += 0.001
    assert subscription.next(0.5) is None
    assert said.count("ping") == 1
    now[0] += 4.999
    assert subscription.next(0.5) is None
    assert said.count("ping") == 1
    now[0] += 0.001
    with pytest.raises(ServerAwayError):
        subscription.next(0.5)


def test_whatever_arrives_begins_the_silence_anew(listening, now):
    subscription, said = listening(None, None, message(b"", "pong"))
    now[0] += 6.0
    subscription.next(0.5)
    assert said.count("ping") == 1
    now[0] += 3.0
    assert subscription.next(0.5) is None, "the answer to the ping"
    now[0] += 4.9
    subscription.next(0.5)
    assert said.count("ping") == 1
    now[0] += 0.2
    subscription.next(0.5)
    assert said.count("ping") == 2


@pytest.mark.parametrize(
    "error", [ConnectionError("gone"), OSError("no route"), RuntimeError("odd"), ValueError("odd")]
)
def test_a_subscription_that_fails_is_closed_and_away(listening, now, error):
    subscription, said = listening(error)
    with pytest.raises(ServerAwayError):
        subscription.next(0.5)
    assert said[-1] == "close"
    subscription, said = listening(None, error)
    now[0] += 5.0
    with pytest.raises(ServerAwayError):
        subscription.next(0.5)
    assert said[-1] == "close"
    with pytest.raises(ServerAwayError):
        RedisSubscription(Client(error), "news", 5.0)


def test_closing_what_is_gone_already_is_no_error(listening):
    subscription, said = listening(ConnectionError("gone"))
    subscription.close()
    assert said[-1] == "close"
