"""The advisor's defaults, its command line, what it reads, and the end of a replay."""

import io
import json
import runpy
import sys
import time
from datetime import UTC, datetime

import pytest

from backend.resilience import BreakerChanged, CallFinished, CircuitBreaker, Listeners, advisor
from backend.resilience.advisor import candidate, main
from backend.resilience.recorded import RecordedCall, RecordingError, read_calls, recorder
from backend.resilience.replay import Candidate, _ReplayClock, replay
from tests.unit.resilience.calls import fail


def made(text, clock):
    return candidate(text).make(clock, Listeners())


def lines(calls):
    return "".join(json.dumps({"at": call.at, "ok": call.ok, "seconds": call.seconds}) + "\n" for call in calls)


def test_what_a_candidate_leaves_open_is_as_usual(clock):
    breaker = made("timeout=30", clock)
    fail(breaker, 4)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.retry_after == 30
    breaker = made("failures=1", clock)
    fail(breaker)
    assert breaker.retry_after == 60


@pytest.mark.parametrize("text", ["count=20", "seconds=20"])
def test_a_window_needs_ten_calls_and_half_of_them(text, clock):
    breaker = made(text, clock)
    fail(breaker, 9)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


@pytest.mark.parametrize(
    "text", ["failures=0", "count=0", "seconds=-1", "growth=0.5", "count=5,rate=2", "failures=1e999"]
)
def test_a_candidate_that_makes_no_sense_is_refused_before_any_replay(text):
    with pytest.raises(ValueError, match=r"\d"):
        candidate(text)


@pytest.fixture
def weights(monkeypatch):
    """What the command hands on to `advise`."""
    given = []
    advise = advisor.advise

    def spy(calls, candidates, **options):
        given.append(options)
        return advise(calls, candidates, **options)

    monkeypatch.setattr(advisor, "advise", spy)
    return given


def test_without_weights_both_faults_cost_the_same(tmp_path, weights):
    file = tmp_path / "calls.jsonl"
    file.write_text(lines([RecordedCall(0, True)]))
    assert main([str(file)], io.StringIO()) == 0
    assert main([str(file), "--good-weight", "3", "--bad-weight", "4"], io.StringIO()) == 0
    assert weights == [{"good_weight": 1.0, "bad_weight": 1.0}, {"good_weight": 3.0, "bad_weight": 4.0}]


def test_calls_may_come_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(lines([RecordedCall(0, True), RecordedCall(1, False)])))
    out = io.StringIO()
    assert main(["-", "--candidate", "failures=5"], out) == 0
    assert out.getvalue().startswith("2 calls\n")


def test_the_time_saved_is_that_of_the_first_candidate():
    calls = [RecordedCall(float(at), False, 0.5) for at in range(10)]
    verdicts = advisor.advise(calls, ["failures=8,timeout=600", "failures=2,timeout=600", "failures=5,timeout=600"])
    out = io.StringIO()
    advisor.report(verdicts, out)
    assert [verdict.bad_seconds_saved for verdict in verdicts] == [4.0, 2.5, 1.0]
    assert "it would have saved 4 s" in out.getvalue()


def test_it_runs_as_a_module_of_this_process_too(monkeypatch, capsys, tmp_path):
    file = tmp_path / "calls.jsonl"
    file.write_text(lines([RecordedCall(0, True)]))
    monkeypatch.setattr("sys.argv", ["advisor", str(file)])
    monkeypatch.delitem(sys.modules, "backend.resilience.advisor")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("backend.resilience.advisor", run_name="__main__")
    assert ended.value.code == 0


# What is read and written


@pytest.mark.parametrize("header", ["at,seconds", "ok,seconds", "seconds,name"])
def test_a_header_needs_both_time_and_outcome(header):
    with pytest.raises(RecordingError, match="line 1: neither"):
        list(read_calls([header, "1,true"]))


def test_rows_may_be_longer_or_shorter_than_the_header():
    assert list(read_calls(["at,ok,seconds", "1,true,2,more", "2,false"])) == [
        RecordedCall(1, True, 2), RecordedCall(2, False),
    ]  # fmt: skip


def test_times_have_a_zone_and_are_utc_without_one(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        rows = ["at,ok", "2026-01-01T00:00:00,true", "2026-01-01T02:00:00+02:00,true", "2026-01-01T00:00:00Z,true"]
        midnight = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
        assert [call.at for call in read_calls(rows)] == [midnight] * 3
    finally:
        monkeypatch.undo()
        time.tzset()


def test_milliseconds_are_written_down(clock):
    written = []
    clock.advance(0.12367)
    recorder(written.append, clock)(CallFinished("feed", "intel", "success", 0.0126))
    began = json.loads(written[0])
    assert began["seconds"] == 0.013
    assert began["at"] == datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 0.111


# The end of a replay


def test_calls_that_are_under_way_at_the_end_are_counted_to_their_end():
    calls = [RecordedCall(at / 10, False, 5.0) for at in range(5)]
    (found,) = replay(calls, [candidate("failures=5,timeout=60")])
    assert (found.trips, found.open_seconds) == (1, 0), "it trips with the last of them, which is the end"


def test_what_is_open_at_the_end_was_open_until_then():
    calls = [*(RecordedCall(float(at), False, 0.5) for at in range(5)), RecordedCall(20, True, 1.0)]
    (found,) = replay(calls, [candidate("failures=5,timeout=60")])
    assert found.open_seconds == 21 - 4.5
    assert (found.good_rejected, found.trips) == (1, 1)


def test_each_break_is_counted_once(caplog):
    calls = [*(RecordedCall(float(at), False) for at in range(5)), RecordedCall(14, True), RecordedCall(50, True)]
    (found,) = replay(calls, [candidate("failures=5,timeout=10")])
    assert (found.open_seconds, found.trips) == (10, 1)
    assert caplog.records == [], "no listener failed on the way"


def test_after_its_break_it_rejects_nothing_however_long_nobody_calls():
    calls = [RecordedCall(float(at), False) for at in range(5)]
    (found,) = replay([*calls, RecordedCall(1000, True), *calls], [candidate("failures=5,timeout=30")])
    assert (found.open_seconds, found.good_rejected) == (30, 0)
    (found,) = replay([*calls, RecordedCall(3, True, 1000.0)], [candidate("failures=5,timeout=30")])
    assert found.open_seconds == 30, "and so at the end of the recording"
    (found,) = replay([*calls, RecordedCall(1000, True)], [candidate("failures=5,timeout=0")])
    assert (found.open_seconds, found.trips) == (0, 1), "a break of nothing is over at once"


def test_a_replay_has_the_time_of_the_recording():
    told = []

    def make(clock, listeners):
        listeners.subscribe(told.append, BreakerChanged)
        return CircuitBreaker(1, 10, clock=clock, listeners=listeners)

    replay([RecordedCall(1_700_000_000, False, 2.0)], [Candidate("x", make)])
    assert [event.at for event in told] == [datetime.fromtimestamp(1_700_000_002, UTC)]


def test_its_clock_can_sleep_as_any_clock():
    clock = _ReplayClock()
    clock.sleep(2)
    clock.sleep(3)
    assert clock.monotonic() == 5


def test_nothing_recorded_gives_an_empty_verdict():
    (found,) = replay([], [candidate("failures=5")])
    assert (found.calls, found.trips, found.open_seconds) == (0, 0, 0)
