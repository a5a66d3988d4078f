"""The parent of workers: how soon one that died is started again, and what it refuses to do."""

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
