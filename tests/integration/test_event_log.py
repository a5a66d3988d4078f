"""The log of events in Redis and its twin in memory say the same to the same questions, over random histories."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.bus.event_log import EventLog
from backend.bus.wire import connect
from tests.support.shared_log import Line, LogServer

pytestmark = pytest.mark.redis
BASE, KEPT = 1_000_000, 4
NEAR = st.integers(BASE - 1, BASE + 12)
STEPS = st.one_of(
    st.tuples(st.just("append"), st.sampled_from("abcdef"), st.one_of(st.just(0), NEAR), st.booleans()),
    st.tuples(st.just("since"), NEAR),
    st.tuples(st.just("last")),
    st.tuples(st.just("lift"), NEAR),
)
streams = (f"stream-{number}" for number in count())


@pytest.fixture
def wire(shared_redis):
    made = connect(shared_redis.url, worker="a", timeout=10)
    made.start(patience=5)
    assert made.up
    yield made
    made.stop()


def ask(log, stream, what, *given):
    if what == "append":
        identity, floor, again = given
        payload = b'{"n": 1}'
        return log.append(stream, "event", payload, user="ann", id=identity, at="now", floor=floor, again=again)
    told = getattr(log, what)(stream, *given, user="ann")
    return [(each.seq, each.before, each.id) for each in told] if isinstance(told, list) else told


def test_the_log_and_its_twin_answer_alike(wire):
    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(STEPS, max_size=20))
    def alike(steps):
        stream, server = next(streams), LogServer()
        real, twin = EventLog(wire, {}, otherwise=KEPT), server.log(Line(server, "a"), KEPT)
        twin._line.open()
        assert (real.lift(stream, BASE, user="ann"), twin.lift(stream, BASE, user="ann")) == (0, 0)
        for step in steps:
            assert ask(real, stream, *step) == ask(twin, stream, *step), step

    alike()
