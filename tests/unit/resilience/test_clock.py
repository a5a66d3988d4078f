"""Clocks: the machine's and the tests'."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.resilience import SystemClock
from backend.resilience.clock import SYSTEM_CLOCK
from backend.resilience.testing import FakeClock


def test_the_system_clock_gives_aware_utc_and_never_runs_backwards():
    first, second = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.monotonic()
    assert second >= first
    assert abs(SYSTEM_CLOCK.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert SYSTEM_CLOCK.now().tzinfo is UTC


def test_the_fake_clock_moves_only_when_told_and_notes_its_sleeps():
    clock = FakeClock()
    assert clock.monotonic() == 0
    clock.advance(1.5)
    clock.sleep(2)
    assert clock.monotonic() == 3.5
    assert clock.sleeps == [2]
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=3.5)


def test_the_fake_clock_does_not_run_backwards():
    with pytest.raises(ValueError, match="backwards"):
        FakeClock().advance(-1)


def test_the_system_clock_really_sleeps():
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.02)
    assert clock.monotonic() - before >= 0.015
