"""The parent of workers: how soon one that died is started again, and what it refuses to do."""

import errno
import os
import signal
import socket
import sys
from dataclasses import dataclass

import pytest

from backend import supervisor
from backend.config import Settings
from backend.listening import ServeError
from backend.supervisor import LONGEST_PAUSE, SHORT_LIFE, Supervisor

SETTINGS = Settings(port=0, workers=2, redis_url="redis://127.0.0.1:1/0")


@dataclass
class Process:
    returncode: int = -9
    pid: int = 4711


def died(parent, place, *, lived, now):
    """Let the worker on a place die at `now`; return the seconds until it is started again."""
    ours, theirs = socket.socketpair()
    theirs.close()
    parent._died(place, supervisor._Worker(1, Process(), ours, now - lived, link="http://link"), now)
    assert place.worker is None
    return place.again_at - now


@pytest.fixture
def parent():
    made = Supervisor(SETTINGS, ["never"], tell=lambda _: None)
    made._told = True
    return made


def test_one_that_dies_is_started_again_at_once_and_then_after_growing_pauses(parent):
    place = supervisor._Place(1)
    waits = [died(parent, place, lived=1, now=1000.0 + number) for number in range(10)]
    assert waits[:5] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == LONGEST_PAUSE


def test_a_long_life_ends_the_growing(parent):
    place = supervisor._Place(1)
    for number in range(5):
        died(parent, place, lived=1, now=1000.0 + number)
    assert died(parent, place, lived=SHORT_LIFE + 1, now=2000.0) == 0.0


def test_what_it_died_of_is_told(parent, caplog):
    died(parent, supervisor._Place(1), lived=1, now=1000.0)
    assert "worker 1 (process 4711) was ended by signal 9; it is started again at once" in caplog.text.lower()


def test_several_workers_without_redis_are_refused_with_what_to_do():
    with pytest.raises(ServeError, match="set REDIS_URL"):
        Supervisor(Settings(workers=2), ["never"], tell=lambda _: None).run()


def test_a_worker_that_does_not_start_at_all_ends_the_start(parent):
    place = supervisor._Place(1)
    parent._told = False
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(ServeError, match="worker 1 did not start"):
        parent._died(place, supervisor._Worker(1, Process(3), ours, 0.0), 1.0)


class Listener:
    """Stands in for the listening socket."""

    def fileno(self):
        return 3


@pytest.fixture
def full(parent, monkeypatch):
    """A parent on a system that can start no process until `full.clear()`."""
    cause = [OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))]
    now = [1000.0]

    def start(*_, **__):
        if cause:
            raise cause[0]
        return Process(returncode=None)

    monkeypatch.setattr(supervisor.subprocess, "Popen", start)
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(Process, "poll", lambda self: self.returncode, raising=False)
    monkeypatch.setattr(parent, "_wait", lambda seconds: now.__setitem__(0, now[0] + max(seconds, 0.1)))
    parent._listener = Listener()
    yield parent, cause
    for place in parent._places:
        for worker in [place.worker, *place.leaving]:
            if worker is not None:
                worker.line.close()


def test_one_that_cannot_be_started_again_is_tried_later_and_the_others_serve_on(full, caplog):
    parent, cause = full
    for _ in range(4):
        parent._step()
    assert [place.worker for place in parent._places] == [None, None]
    assert "worker 1 cannot be started (resource temporarily unavailable); it is tried again in" in caplog.text.lower()
    cause.clear()
    for _ in range(4):
        parent._step()
    assert all(place.worker for place in parent._places)


def test_one_that_cannot_be_replaced_goes_on_until_that_is_possible(full):
    parent, cause = full
    reason, *_ = cause
    cause.clear()
    parent._step()
    for place in parent._places:
        place.worker.link = "http://link"
    first = parent._places[0].worker
    cause.append(reason)
    parent._signals.append(signal.SIGHUP)
    for _ in range(3):
        parent._step()
    assert parent._places[0].worker is first
    assert (parent._places[0].leaving, first.ends_by) == ([], None)
    cause.clear()
    for _ in range(40):
        parent._step()
    assert parent._places[0].leaving == [first]
    assert parent._places[0].worker is not first


def test_where_not_even_the_first_can_be_started_it_says_so(full):
    parent, _ = full
    parent._told = False
    with pytest.raises(ServeError, match=r"worker 1 cannot be started: Resource temporarily"):
        parent._start(parent._places[0])


@pytest.mark.parametrize("at_terminal", [True, False])
def test_a_terminal_that_closes_ends_all_and_a_hangup_without_one_asks_for_new_workers(at_terminal, monkeypatch):
    parent = Supervisor(SETTINGS, ["never"], tell=lambda _: None, at_terminal=lambda: at_terminal)
    monkeypatch.setattr(parent, "_wait", lambda _: None)
    for name in ("_start", "_roll", "_tell_ready"):
        monkeypatch.setattr(parent, name, lambda *_: None)
    parent._signals.append(signal.SIGHUP)
    assert bool(parent._ends_on & set(parent._signals)) is at_terminal
    parent._step()
    assert parent._rolling == ([] if at_terminal else [1, 2])


def test_a_worker_is_this_program_as_a_plain_server():
    assert supervisor.own_command()[0] == sys.executable
    assert supervisor.own_command()[-1] == "serve"
