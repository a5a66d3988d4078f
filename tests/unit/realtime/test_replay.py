"""What was pushed can be asked for again, in order and once; what is gone is told as a gap."""

from hypothesis import given
from hypothesis import strategies as st

from backend.realtime.replay import Replay
from backend.resilience.testing import FakeClock


def make(kept=3, **options):
    return Replay({"chat": kept}, clock=FakeClock(), **options)


def test_events_carry_stream_seq_and_time_and_count_up():
    replay = make()
    first, second = (replay.add("chat", "chat_delta", {"n": n}) for n in range(2))
    assert second.seq == first.seq + 1
    assert first.payload["stream"] == "chat"
    assert first.payload["seq"] == first.seq
    assert first.payload["at"].startswith("2026-01-01T00:00:00")


def test_since_gives_exactly_what_came_after():
    replay = make()
    pushed = [replay.add("chat", "e", {"n": n}) for n in range(3)]
    assert [p.payload["n"] for p in replay.since("chat", pushed[0].seq)] == [1, 2]
    assert replay.since("chat", pushed[-1].seq) == []


def test_what_is_no_longer_kept_is_a_gap():
    replay = make(kept=2)
    pushed = [replay.add("chat", "e", {}) for _ in range(4)]
    assert replay.since("chat", pushed[0].seq) is None
    assert len(replay.since("chat", pushed[1].seq)) == 2


def test_numbers_from_before_a_restart_are_a_gap():
    before = make()
    seen = before.add("chat", "e", {}).seq
    clock = FakeClock()
    clock.advance(60)
    after = Replay(clock=clock)
    assert after.since("chat", seen) is None
    assert after.add("chat", "e", {}).seq > seen


def test_numbers_from_the_future_are_a_gap():
    replay = make()
    assert replay.since("chat", replay.add("chat", "e", {}).seq + 5) is None


def test_each_persons_stream_is_their_own():
    replay = make()
    start = replay.last_seq("chat", user="bob")
    replay.add("chat", "e", {}, user="ann")
    assert replay.since("chat", start, user="bob") == []


def test_the_number_of_streams_is_bounded_and_a_dropped_one_is_a_gap():
    replay = make(most_streams=2)
    seq = replay.add("chat", "e", {}, user="ann").seq
    for user in ("bob", "cleo"):
        replay.add("chat", "e", {}, user=user)
    assert replay.since("chat", seq - 1, user="ann") is None


@given(st.integers(1, 8), st.integers(0, 20), st.integers(0, 20))
def test_a_client_never_misses_or_doubles_an_event(kept, pushed, seen):
    replay = make(kept=kept)
    start = replay.last_seq("chat")
    for n in range(pushed):
        replay.add("chat", "e", {"n": n})
    missed = replay.since("chat", start + min(seen, pushed))
    expected = list(range(min(seen, pushed), pushed))
    assert missed is None or [p.payload["n"] for p in missed] == expected
    assert (missed is None) == (len(expected) > kept)
