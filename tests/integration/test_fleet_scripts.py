"""The Lua scripts and their Python twins say the same to the same questions, over random histories."""

import json

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.resilience.clock import SYSTEM_CLOCK
from backend.resilience.fleet.memory import MemoryServer
from backend.resilience.fleet.redis_server import RedisServer, script
from backend.resilience.fleet.server import Request
from backend.resilience.testing import FakeClock

WORKERS = st.sampled_from(["w1", "w2", "w3"])
STATES = ["open", "open", "closed", "half_open", "forced_open", "disabled", "metrics_only"]
_NOW = "math.floor(tonumber(redis.call('GET', 'clock')) / 1000), tonumber(redis.call('GET', 'clock')) % 1000 * 1000"


def with_our_clock(noun):
    """The script as it is, but with the time that a test has set."""
    source, _ = script(noun)
    changed = source.replace("redis.call('TIME')", f"{{{_NOW}}}")
    assert changed != source
    return changed, redis.Redis(host="unused").register_script(changed).sha


def record(**fields):
    given = {"generation": st.integers(1, 9), "state": st.sampled_from(STATES), "age": st.integers(0, 500)}
    given |= {"open_ms": st.sampled_from([0, 1000, 5000]), "level": st.integers(0, 2), "failures": st.integers(0, 9)}
    given |= {"decision": st.sampled_from(["w1:1", "w1:2", "w2:3", "w3:4", "w3:5"]), "reason": st.just("because")}
    optional = {"manual": st.just(True), "until_in": st.integers(100, 3000), "author": st.just("anna")}
    return st.fixed_dictionaries(given | fields, optional=optional)


COMMON = {"name": st.just("x"), "keep": st.just(60_000), "worker": WORKERS, "permits": st.integers(1, 2)}
LINEAGE = {"floor": st.integers(1, 9), "base": st.sampled_from(["w1:1", "w2:3"])}
CONSECUTIVE = st.fixed_dictionaries({"threshold": st.integers(2, 5)})
RATES = st.fixed_dictionaries(
    {"minimum_calls": st.integers(1, 6), "failure_rate": st.sampled_from([0.3, 0.5])},
    optional={"slow_rate": st.sampled_from([0.2, 1.0])},
)
BUCKET = st.fixed_dictionaries(
    {"calls": st.integers(0, 9), "failures": st.integers(0, 4), "slow": st.integers(0, 3)}
    | {"fresh": st.integers(0, 2), "run": st.integers(0, 12), "succeeded": st.booleans()}
)
BREAKER = st.one_of(
    st.tuples(
        st.just("propose"),
        st.fixed_dictionaries(
            COMMON | {"record": record()}, optional=LINEAGE | {"fences": st.lists(st.integers(1, 4), max_size=2)}
        ),
    ),
    st.tuples(
        st.just("lease"),
        st.fixed_dictionaries(
            COMMON | {"lease": st.sampled_from([500, 2000])},
            optional=LINEAGE | {"record": record(state=st.just("open"))},
        ),
    ),
    st.tuples(
        st.just("release"),
        st.fixed_dictionaries(COMMON | {"fence": st.integers(1, 4), "succeeded": st.booleans()}),
    ),
    st.tuples(
        st.just("renew"),
        st.fixed_dictionaries(
            COMMON | {"fence": st.integers(1, 4), "lease": st.just(800), "generation": st.integers(1, 9)}
        ),
    ),
    st.tuples(
        st.just("sync"),
        st.fixed_dictionaries(
            COMMON
            | {"generation": st.integers(0, 9), "limits": CONSECUTIVE | RATES, "horizon": st.just(3000)}
            | {"settle": st.sampled_from([0, 300]), "open_ms": st.just(1000)},
            optional=LINEAGE | {"bucket": BUCKET, "reason": st.just("refused")},
        ),
    ),
    st.tuples(st.just("sync"), st.fixed_dictionaries(COMMON, optional=LINEAGE)),
)
BUDGET = st.tuples(
    st.just("share"),
    st.fixed_dictionaries(
        {"worker": WORKERS, "calls": st.integers(0, 60), "spent": st.integers(0, 9), "held": st.integers(0, 4)}
        | {"want": st.integers(0, 6), "denied": st.integers(0, 1), "ratio": st.sampled_from([0.2, 0.1])}
        | {"minimum": st.integers(0, 4), "window": st.just(5000), "lease": st.just(1500)}
    ),
)
BOARD = st.tuples(
    st.just("exchange"),
    st.fixed_dictionaries(
        {"worker": WORKERS, "era": st.sampled_from(["", "w1:1767225600000"]), "since": st.integers(0, 9)}
        | {"notes": st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", '{"k":"|"}']), max_size=3)}
        | {"batch": st.integers(1, 4), "keep": st.just(4000), "most": st.integers(3, 5)}
    ),
)
HISTORIES = {"breaker": BREAKER, "budget": BUDGET, "board": BOARD}


class Pair:
    """Both servers at the same time, by the same clock."""

    def __init__(self, client):
        self.clock = FakeClock()
        self.client = client
        client.flushall()
        self.real = RedisServer(client, installation="test", source=with_our_clock)
        self.twin = MemoryServer(self.clock)
        self.heard = client.pubsub()
        self.heard.subscribe("jupiter:{test}:news")
        assert self.heard.get_message(timeout=20)["type"] == "subscribe"
        self.told = self.twin.subscribe()

    def ask(self, noun, operation, args):
        self.client.set("clock", int(self.clock.now().timestamp() * 1000))
        request = Request(noun, "x", operation, args, done=print)
        (real,), (twin,) = self.real.ask([request]), self.twin.ask([request])
        return plain(real), plain(twin)

    def messages(self):
        while (message := self.told.next(0)) is not None:
            real = self.heard.get_message(timeout=20)
            assert plain(json.loads(real["data"])) == plain(message)
        assert self.heard.get_message(timeout=0) is None


def plain(reply):
    """What Lua cannot tell apart, an empty list and an empty table, is the same here too."""
    if isinstance(reply, dict):
        return {name: plain(value) for name, value in reply.items()} or []
    return [plain(each) for each in reply] if isinstance(reply, list) else reply


@pytest.mark.redis
@pytest.mark.parametrize("noun", HISTORIES)
def test_script_and_twin_answer_alike(noun, shared_redis):
    client = redis.Redis.from_url(shared_redis.url)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(st.tuples(HISTORIES[noun], st.sampled_from([0, 1, 100, 1000])), min_size=5, max_size=25))
    def alike(history):
        pair = Pair(client)
        try:
            for (operation, args), milliseconds in history:
                real, twin = pair.ask(noun, operation, args)
                assert real == twin
                pair.messages()
                pair.clock.advance(milliseconds / 1000)
            assert pair.real.audit(50) == pair.twin.audit(50)
        finally:
            pair.heard.close()

    alike()
    client.close()


@pytest.mark.redis
@pytest.mark.parametrize("noun", HISTORIES)
def test_a_foreign_value_under_our_keys_is_as_good_as_none(noun, shared_redis):
    client = redis.Redis.from_url(shared_redis.url)
    client.flushall()
    for key in ("breaker:x", "counts:x", "audit", "budget:x", "x:notes", "x:versions", "x:head"):
        client.set(f"jupiter:{{test}}:{key}", "nonsense")
    args = {"worker": "w1", "name": "x", "keep": 60_000, "notes": {}, "era": "", "since": 0, "batch": 5, "most": 5}
    args |= {"calls": 1, "spent": 0, "held": 0, "want": 1, "denied": 0, "ratio": 0.2, "minimum": 3, "window": 5000}
    args |= {"lease": 500, "generation": 0, "limits": {"threshold": 3}, "horizon": 5000, "settle": 0, "open_ms": 100}
    args |= {"bucket": {"calls": 1, "failures": 1, "slow": 0, "fresh": 1, "run": 0, "succeeded": False}}
    server = RedisServer(client, installation="test")
    operation = {"breaker": "sync", "budget": "share", "board": "exchange"}[noun]
    (reply,) = server.ask([Request(noun, "x", operation, args, done=print)])
    assert reply["now"] > SYSTEM_CLOCK.now().timestamp() * 1000 - 60_000
    client.close()


@pytest.mark.redis
def test_a_persons_decision_is_taken_and_written_down_whatever_lies_under_our_keys(shared_redis):
    client = redis.Redis.from_url(shared_redis.url)
    client.flushall()
    for key in ("breaker:x", "counts:x", "audit"):
        client.set(f"jupiter:{{test}}:{key}", "nonsense")
    server = RedisServer(client, installation="test")
    assert server.audit(5) == []
    decided = {"state": "forced_open", "generation": 1, "decision": "w1:1", "age": 0, "open_ms": 0, "level": 0}
    decided |= {"failures": 0, "reason": "maintenance", "author": "anna", "manual": True}
    args = {"worker": "w1", "name": "x", "keep": 60_000, "permits": 1, "fences": [], "record": decided}
    (reply,) = server.ask([Request("breaker", "x", "propose", args, done=print)])
    assert reply["record"]["state"] == "forced_open"
    assert [entry["author"] for entry in server.audit(5)] == ["anna"]
    client.close()
