"""A loop that is never run twice at once, wakes when asked, and survives everything."""

import logging
import threading

from backend import runtime
from backend.dashboard.sourcing.announcer import Announcer
from backend.dashboard.sourcing.refresher import Refresher

LOG = logging.getLogger("jupiter.test")


class Waits:
    """Stands for the wait between two attempts: remembers the times, stops the loop after some."""

    def __init__(self, most):
        self.times = []
        self.most = most
        self.refresher = None

    def __call__(self, event, seconds):
        self.times.append(seconds)
        if len(self.times) >= self.most:
            self.refresher._stopped = True


def looped(attempt, delay, most):
    waits = Waits(most)
    refresher = waits.refresher = Refresher(attempt, delay, wait=waits)
    refresher._loop()
    return waits.times


def test_it_waits_between_attempts_as_long_as_it_is_told():
    done = []
    times = looped(lambda: done.append(1), lambda: 10.0 * len(done), 3)
    assert (len(done), times) == (3, [10.0, 20.0, 30.0])


def test_an_attempt_that_raises_does_not_end_the_loop(caplog):
    done = []

    def attempt():
        done.append(1)
        raise RuntimeError("unforeseen")

    with caplog.at_level(logging.ERROR):
        looped(attempt, lambda: 1.0, 3)
    assert len(done) == 3
    assert all("❌" in line.getMessage() for line in caplog.records)


def test_whoever_asks_during_an_attempt_joins_it():
    began, go_on, done = threading.Event(), threading.Event(), []

    def attempt():
        began.set()
        go_on.wait(5)
        done.append(1)

    refresher = Refresher(attempt, lambda: 60.0)
    refresher.start(runtime.spawn)
    began.wait(5)
    flights = [refresher.ask() for _ in range(5)]
    assert refresher.is_running
    go_on.set()
    assert all(flight.wait(5) for flight in flights)
    assert done == [1]
    refresher.stop()


def test_a_sleeping_loop_wakes_when_asked_and_when_stopped():
    done = []
    refresher = Refresher(lambda: done.append(1), lambda: 3600.0)
    refresher.start(runtime.spawn)
    first = refresher.ask()
    assert first.wait(5)
    runtime.sleep(0)
    second = refresher.ask()
    assert second.wait(5)
    assert len(done) >= 2
    refresher.stop()
    assert refresher._task is None


def test_a_wake_during_an_attempt_leads_to_another_one():
    done = []
    waits = Waits(2)

    def attempt():
        done.append(waits.refresher._wake.is_set())
        if len(done) == 1:
            waits.refresher.wake()

    seen = []
    refresher = waits.refresher = Refresher(
        attempt, lambda: 60.0, wait=lambda e, s: (seen.append(e.is_set()), waits(e, s))
    )
    refresher._loop()
    assert seen == [True, False]


def test_without_a_loop_asking_does_it_here():
    done = []
    refresher = Refresher(lambda: done.append(1), lambda: 60.0)
    assert refresher.ask().is_set()
    assert done == [1]


def test_a_stuck_attempt_does_not_hold_the_stop():
    forever = threading.Event()
    refresher = Refresher(forever.wait, lambda: 60.0)
    refresher.start(runtime.spawn)
    runtime.sleep(0)
    refresher.stop(patience=0.01)
    assert refresher._task is None
    forever.set()


def test_many_changes_are_told_once():
    naps, told = [], []
    announcer = Announcer(lambda: {"n": len(told)}, log=LOG, interval=0.25, sleep=naps.append)
    announcer.subscribe(told.append)
    announcer._task = "a loop"
    for _ in range(10):
        announcer.touch()
    announcer.flush()
    announcer.flush()
    assert told == [{"n": 0}]


def test_the_loop_tells_and_then_rests():
    told, naps, rested = threading.Event(), [], threading.Event()

    def nap(seconds):
        naps.append(seconds)
        announcer.stop()
        rested.set()

    announcer = Announcer(dict, log=LOG, interval=0.25, sleep=nap)
    announcer.subscribe(lambda _: told.set())
    announcer.start(runtime.spawn)
    announcer.touch()
    assert rested.wait(5)
    assert told.is_set()
    assert naps == [0.25]


def test_a_payload_that_cannot_be_made_is_logged_and_the_next_one_is_told(caplog):
    answers, told = [RuntimeError("no"), None], []

    def build():
        error = answers.pop(0)
        if error:
            raise error
        return {}

    announcer = Announcer(build, log=LOG)
    announcer.subscribe(told.append)
    with caplog.at_level(logging.ERROR):
        announcer.touch()
    announcer.touch()
    assert told == [{}]
    assert len(caplog.records) == 1


def test_without_subscribers_nothing_is_built():
    built = []
    announcer = Announcer(lambda: built.append(1) or {}, log=LOG)
    announcer.touch()
    stop = announcer.subscribe(lambda _: None)
    announcer.touch()
    stop()
    announcer.touch()
    assert built == [1]
