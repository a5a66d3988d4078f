"""Errors that outlive the process that recorded them."""

import json
import logging
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from backend.resilience import ErrorAggregator, ErrorJournal
from backend.resilience.error_groups import ErrorGroups
from backend.resilience.testing import FakeClock

LATER = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "errors"


def started(path, clock, **options):
    """An aggregator as the application makes it at its start."""
    made = ErrorAggregator(clock=clock)
    made.keep_in(ErrorJournal(path, **options))
    return made


def all_that_is_shown(errors):
    return (
        errors.get_error_stats(), errors.get_error_stats(15), errors.get_endpoint_stats(), errors.get_recent_errors(99),
        errors.get_groups(99), errors.get_series(60, 12),
    )  # fmt: skip


def record(errors, clock, times=5):
    for number in range(times):
        errors.record_error(f"kind-{number % 3}", f"fault number {number}", {"endpoint": f"/{number % 2}", "n": number})
        clock.advance(7)


@pytest.mark.parametrize("max_bytes", [1_000_000, 400], ids=["from the log", "from snapshots and the log"])
def test_a_process_that_was_killed_knows_everything_again(path, clock, max_bytes):
    before = started(path, clock, max_bytes=max_bytes)
    record(before, clock, 20)
    after = started(path, clock, max_bytes=max_bytes)
    assert after.get_error_stats()["total_errors"] == 20
    assert all_that_is_shown(after) == all_that_is_shown(before)


def test_a_restart_after_a_restart_counts_nothing_twice(path, clock):
    record(started(path, clock), clock)
    for _ in range(3):
        errors = started(path, clock)
        record(errors, clock, 1)
    assert started(path, clock).get_error_stats()["total_errors"] == 8


@pytest.mark.parametrize("max_bytes", [1_000_000, 1], ids=["from the log", "from the snapshot"])
def test_the_time_in_between_counts(path, max_bytes):
    first = FakeClock(LATER)
    first.advance(500)
    before = started(path, first, max_bytes=max_bytes)
    before.record_error("old", "x")
    first.advance(50 * 60)
    before.record_error("new", "x")
    second = FakeClock(first.now() + timedelta(minutes=11))
    after = started(path, second)
    assert after.get_error_stats()["errors_by_type"] == {"new": 1}
    assert after.get_error_stats(120)["total_errors"] == 2
    assert [each["type"] for each in after.get_recent_errors()] == ["new"]
    second.advance(48 * 60)
    assert after.get_error_stats()["total_errors"] == 1
    second.advance(2 * 60)
    assert after.get_error_stats()["total_errors"] == 0
    group = after.get_groups()[0]
    assert (group["first_seen"], group["last_seen"]) == ("2026-01-01T00:58:20+00:00",) * 2


def test_counts_by_the_minute_outlive_it_too(path, clock, monkeypatch):
    monkeypatch.setattr("backend.resilience.error_counts.ErrorCounts.__init__.__defaults__", (20, 3))
    before = started(path, clock, max_bytes=400)
    record(before, clock, 60)
    assert len(before._counts._minutes) > 3
    clock.advance(120)
    assert all_that_is_shown(started(path, clock)) == all_that_is_shown(before)


def test_what_was_recorded_before_the_journal_is_kept_as_well(path, clock):
    record(started(path, clock), clock, 4)
    errors = ErrorAggregator(clock=clock)
    errors.record_error("kind-0", "fault number 0", {"endpoint": "/0"})
    errors.keep_in(ErrorJournal(path))
    assert errors.get_error_stats()["errors_by_type"] == {"kind-0": 3, "kind-1": 1, "kind-2": 1}
    assert [each["context"].get("n") for each in errors.get_recent_errors()] == [None, 3, 2, 1, 0]
    group = next(each for each in errors.get_groups() if each["type"] == "kind-0")
    assert (group["count"], group["first_seen"], group["last_seen"]) == (
        3, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:28+00:00",
    )  # fmt: skip
    assert started(path, clock).get_error_stats()["total_errors"] == 5


def test_cleared_it_stays_empty(path, clock):
    errors = started(path, clock)
    record(errors, clock)
    errors.clear()
    assert started(path, clock).get_error_stats()["total_errors"] == 0


def test_a_line_that_was_cut_off_costs_only_itself(path, clock):
    record(started(path, clock), clock)
    log = path.with_name("errors.log")
    log.write_bytes(log.read_bytes()[:-20])
    assert started(path, clock).get_error_stats()["total_errors"] == 4


def test_killed_between_snapshot_and_new_log_nothing_counts_twice(path, clock):
    record(started(path, clock), clock)
    log = path.with_name("errors.log")
    old = log.read_bytes()
    errors = started(path, clock)
    log.write_bytes(old)  # the snapshot is the new one, the log still that before it
    assert errors.get_error_stats()["total_errors"] == 5
    assert started(path, clock).get_error_stats()["total_errors"] == 5


def test_a_clock_that_was_set_back_leaves_the_order_as_it_was(path, clock):
    errors = started(path, clock)
    clock.advance(100)
    errors.record_error("first", "x")
    clock._start -= timedelta(seconds=60)
    errors.record_error("second", "x")
    clock._start += timedelta(seconds=60)
    after = started(path, clock)
    assert [each["type"] for each in after.get_recent_errors()] == ["second", "first"]
    assert after.get_error_stats(0.5)["total_errors"] == 2
    clock.advance(31)
    assert after.get_error_stats(0.5)["total_errors"] == 0


def test_what_lies_in_the_future_counts_as_now(path):
    errors = started(path, FakeClock(LATER + timedelta(days=1)))
    record(errors, FakeClock(), 3)
    for source in ("the log", "the snapshot"):
        clock = FakeClock(LATER)
        errors = started(path, clock)
        assert errors.get_error_stats(0.01)["total_errors"] == 3, source
        clock.advance(60)
        assert errors.get_error_stats(1)["total_errors"] == 0, source


def kept_counts(**changed):
    empty = {"at": "", "kind": "", "place": "", "kinds": [], "places": [], "minutes": []}
    state = {"counts": {**empty, **changed}, "groups": [], "records": []}
    return json.dumps({"number": 1, "state": state}).encode()


BROKEN = [
    kept_counts(at="%"), kept_counts(at="AAAAAAAAAAA="), kept_counts(kind="AAA="), kept_counts(minutes=[[0.0, {}]]),
    b"", b"[]", b"{", b'{"number": 1}', b'{"number": "x", "state": {}}', b'{"number": 1, "state": 7}',
    b'{"number": 1, "state": {}}', b'{"number": 1, "state": {"counts": {"at": "%", "kind": "", "place": ""}}}',
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN)
def test_files_that_cannot_be_read_are_told_and_do_not_stop_the_start(path, clock, content, caplog):
    path.with_name("errors.json").write_bytes(content)
    errors = started(path, clock)
    assert errors.get_error_stats()["total_errors"] == 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    record(errors, clock)
    assert started(path, clock).get_error_stats()["total_errors"] == 5


@pytest.mark.parametrize("content", [b"", b"\n", b'{"number": 7}\n', b"nonsense\n"])
def test_a_log_of_another_snapshot_is_left_alone(path, clock, content, caplog):
    path.with_name("errors.log").write_bytes(content + b'["2026-01-01T00:00:00+00:00", "a", "b", "c", "d", "{}"]\n')
    assert started(path, clock).get_error_stats()["total_errors"] == 0
    assert caplog.records == []


def test_an_entry_of_another_kind_is_told_and_what_came_before_it_kept(path, clock, caplog):
    record(started(path, clock), clock, 2)
    with path.with_name("errors.log").open("a") as log:
        log.write('["2026-01-01T00:00:00", "no zone", "b", "c", "d", "{}"]\n["too", "short"]\n7\n')
    assert started(path, clock).get_error_stats()["total_errors"] == 2
    assert "in full" in caplog.text


def test_the_files_are_for_their_owner_alone_and_hold_no_secrets(path, clock):
    errors = started(path, clock, max_bytes=500)
    for _ in range(9):
        errors.record_error("x", "password=hunter2hunter2", {"token": "hunter2hunter2"})
    for name in ("errors.json", "errors.log"):
        file = path.with_name(name)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"hunter2" not in file.read_bytes()
    assert sorted(os.listdir(path.parent)) == ["errors.json", "errors.log"]


def test_the_log_does_not_grow_beyond_its_size(path, clock):
    errors = started(path, clock, max_bytes=3000)
    for _ in range(200):
        record(errors, clock, 1)
        assert path.with_name("errors.log").stat().st_size < 3000
    assert path.with_name("errors.json").stat().st_size < 60_000
    assert started(path, clock).get_error_stats(60)["total_errors"] == 200


def test_a_disk_that_fails_is_told_once_and_loses_no_error(path, clock, caplog):
    journal = ErrorJournal(path.parent / "missing" / "errors", max_bytes=300)
    errors = ErrorAggregator(clock=clock)
    errors.keep_in(journal)
    record(errors, clock, 3)
    assert errors.get_error_stats()["total_errors"] == 3
    assert len(caplog.records) == 1
    (path.parent / "missing").mkdir()
    record(errors, clock, 3)
    again = ErrorAggregator(clock=clock)
    again.keep_in(ErrorJournal(path.parent / "missing" / "errors"))
    assert again.get_error_stats()["total_errors"] == 6, "tried again after a while"


def test_a_write_that_fails_is_told_once(path, clock, caplog, monkeypatch):
    errors = started(path, clock)

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("backend.resilience.error_journal.os.write", full)
    record(errors, clock, 3)
    assert errors.get_error_stats()["total_errors"] == 3
    assert len(caplog.records) == 1


def test_closed_it_takes_nothing_more(path, clock):
    journal = ErrorJournal(path)
    errors = ErrorAggregator(clock=clock)
    errors.keep_in(journal)
    record(errors, clock, 2)
    journal.close()
    journal.close()
    record(errors, clock, 2)
    assert started(path, clock).get_error_stats()["total_errors"] == 2


def test_numbers_count_up_with_each_snapshot(path, clock):
    for wanted in (1, 2, 3):
        started(path, clock)
        assert json.loads(path.with_name("errors.json").read_bytes())["number"] == wanted
        assert json.loads(path.with_name("errors.log").read_bytes())["number"] == wanted


def test_a_snapshot_is_made_only_when_the_log_is_full(path, clock):
    errors = started(path, clock, max_bytes=1000)
    record(errors, clock, 20)
    snapshots = json.loads(path.with_name("errors.json").read_bytes())["number"]
    assert 2 < snapshots < 12, "some lines go into each log"


def test_each_file_that_is_opened_is_closed_but_the_last(path, clock, monkeypatch):
    opened, closed = [], []
    really_open, really_close = os.open, os.close
    monkeypatch.setattr(os, "open", lambda *args: opened.append(really_open(*args)) or opened[-1])
    monkeypatch.setattr(os, "close", lambda file: closed.append(file) or really_close(file))
    journal = ErrorJournal(path, max_bytes=300)
    errors = ErrorAggregator(clock=clock)
    errors.keep_in(journal)
    record(errors, clock, 10)
    assert len(opened) == len(closed) + 1
    journal.close()
    assert len(opened) == len(closed)


def test_no_more_groups_are_taken_in_than_there_may_be(clock):
    many, few = ErrorGroups(), ErrorGroups(2)
    for name in "abcd":
        many.add(name, name, "x", clock.now())
        clock.advance(1)
    few.restore(many.snapshot())
    assert [group.fingerprint for group in few.newest(9)] == ["d", "c"]
    few.add("d", "d", "x", clock.now())
    few.restore(many.snapshot())
    assert (few.newest(1)[0].count, few.newest(1)[0].last_seen) == (3, clock.now())


def test_what_a_killed_process_left_beside_the_snapshot_is_not_used(path, clock):
    left = path.with_name("errors.json.new")
    left.write_text("half of a snapshot")
    left.chmod(0o644)
    started(path, clock)
    assert stat.S_IMODE(path.with_name("errors.json").stat().st_mode) == 0o600
    assert not left.exists()


@pytest.mark.parametrize(("max_bytes", "full"), [(14, True), (15, False)])
def test_a_log_is_full_with_its_last_byte(path, max_bytes, full):
    journal = ErrorJournal(path, max_bytes)
    journal.begin({})
    assert path.with_name("errors.log").read_bytes() == b'{"number": 1}\n'
    assert journal.is_full is full
    journal.close()
