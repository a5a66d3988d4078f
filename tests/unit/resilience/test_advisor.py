"""The threshold advisor: recorded calls, replayed through candidate configurations."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from backend.resilience import CallFinished
from backend.resilience.advisor import DEFAULT_CANDIDATES, advise, candidate, main
from backend.resilience.recorded import RecordedCall, RecordingError, read_calls, recorder
from backend.resilience.replay import replay


def outage(begin=100, end=200, until=300, seconds=0.1):
    """A call a second; between `begin` and `end` all of them fail."""
    return [RecordedCall(float(at), not begin <= at < end, seconds) for at in range(until)]


def verdict_on(text, calls):
    (found,) = replay(calls, [candidate(text)])
    return found


def test_an_outage_through_five_failures_in_a_row():
    found = verdict_on("failures=5,timeout=30", outage())
    assert (found.calls, found.trips) == (300, 4)
    assert found.bad_let_through == 5 + 3, "five until it opens, then a probe each 30 s"
    assert found.bad_prevented == 92
    assert found.good_rejected == 28, "opened for the last time at 197.1, so the probe of 228 finds it well"
    assert found.bad_seconds_saved == pytest.approx(9.2)
    assert found.open_seconds == pytest.approx(120, abs=4)


def test_half_of_the_calls_failing_is_seen_by_a_window_only():
    calls = [RecordedCall(float(at), at % 2 == 0) for at in range(100)]
    assert verdict_on("failures=5,timeout=30", calls).trips == 0
    assert verdict_on("count=20,rate=0.5,minimum=10,timeout=30", calls).trips > 0
    assert verdict_on("seconds=20,rate=0.5,minimum=10,timeout=30", calls).trips > 0


def test_slow_calls_are_seen_where_a_limit_is_given():
    calls = [RecordedCall(float(at), True, 3.0) for at in range(60)]
    assert verdict_on("count=20,slow=2,slow_rate=0.8,minimum=10", calls).trips == 1
    assert verdict_on("count=20,minimum=10", calls).trips == 0


def test_calls_overlap_as_they_did():
    calls = [RecordedCall(at / 10, False, 5.0) for at in range(60)]
    found = verdict_on("failures=5,timeout=60", calls)
    assert found.bad_let_through == 54, "the fifth one ends after 5.4 s; what began before was let through"


def test_the_least_costly_is_first_and_the_weights_decide():
    calls = outage()
    candidates = ["failures=3,timeout=120", "failures=90,timeout=1"]
    assert advise(calls, candidates, bad_weight=10)[0].name == candidates[0]
    assert advise(calls, candidates, good_weight=10)[0].name == candidates[1]
    assert len(advise(calls)) == len(DEFAULT_CANDIDATES)


def test_a_healthy_recording_trips_nothing():
    assert all(found.trips == found.good_rejected == 0 for found in advise(outage(0, 0)))


def test_breaks_may_grow():
    calls = [RecordedCall(float(at), False) for at in range(1000)]
    growing, alike = (verdict_on(f"failures=1,timeout=10{more}", calls) for more in (",growth=2,cap=100", ""))
    assert growing.trips < alike.trips


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("failuers=3", "'failuers'"),
        ("failures=many", "needs a number"),
        ("failures=3,count=10", "exclude each other"),
        ("failures=0", "at least 1"),
        ("count=10,rate=2", "at most 1"),
    ],
)
def test_a_candidate_that_makes_no_sense_is_refused(text, told):
    with pytest.raises(ValueError, match=told):
        candidate(text)


def test_json_lines_and_csv_are_read():
    lines = ['{"at": 1, "ok": true, "seconds": 0.5, "name": "kev"}', "", '{"at": "1970-01-01T00:00:02Z", "ok": 0}']
    assert list(read_calls(lines)) == [RecordedCall(1, True, 0.5, "kev"), RecordedCall(2, False)]
    lines = ["at,ok,seconds,name", "1,true,0.5,kev", "", "1970-01-01T00:00:02,0,,"]
    assert list(read_calls(lines)) == [RecordedCall(1, True, 0.5, "kev"), RecordedCall(2, False)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['{"at": 1}'], "line 1: there is no ok"),
        (['{"at": 1, "ok": "maybe"}'], "line 1: ok must be true or false, not 'maybe'"),
        (["at,ok", "then,true"], "line 2: "),
        (["", "{broken"], "line 2: "),
        (["a,b"], "line 1: neither"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(lines, told):
    with pytest.raises(RecordingError, match=told):
        list(read_calls(lines))


def test_guarded_calls_can_be_recorded(clock):
    lines = []
    note = recorder(lines.append, clock)
    for outcome in ("success", "failure", "ignored", "rejected", "cancelled"):
        clock.advance(1)
        note(CallFinished("kev", "threats", outcome, 0.5))
    calls = list(read_calls(lines))
    assert [call.ok for call in calls] == [True, False, True]
    assert [call.at for call in calls] == [clock.now().timestamp() - back for back in (4.5, 3.5, 2.5)]
    assert {(call.seconds, call.name) for call in calls} == {(0.5, "kev")}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "calls.jsonl"
    rows = [{"at": call.at, "ok": call.ok, "seconds": call.seconds, "name": "kev"} for call in outage()]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_the_command_prints_a_table(file):
    out = io.StringIO()
    assert main([str(file), "--name", "kev", "--candidate", "failures=5,timeout=30"], out) == 0
    lines = out.getvalue().splitlines()
    assert lines[0] == "300 calls"
    assert lines[2].split() == ["failures=5,timeout=30", "4", "28", "8", "92", lines[2].split()[-1]]
    assert "saved 9 s" in lines[-1]


@pytest.mark.parametrize("more", [["--name", "nobody"], ["--candidate", "x=1"]])
def test_the_command_refuses_what_it_cannot_do(file, more, capsys):
    with pytest.raises(SystemExit) as end:
        main([str(file), *more])
    assert end.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_it_runs_as_a_module(file):
    command = [sys.executable, "-m", "backend.resilience.advisor", "-"]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        command, input=file.read_text(), cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert len(done.stdout.splitlines()) == 4 + len(DEFAULT_CANDIDATES)
    assert done.stderr == ""
