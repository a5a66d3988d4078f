"""Who is the parent of workers, and what a worker says and hears on its line."""

import socket
import threading

import pytest

from backend.worker_seat import NUMBER, Seat, is_parent, is_worker


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ([], {}, False),
        (["--workers", "3"], {}, True),
        (["--workers=3"], {}, True),
        (["--workers", "1"], {}, False),
        (["--workers"], {}, False),
        (["--workers", "3", "serve"], {}, True),
        (["serve"], {"JUPITER_WORKERS": "2"}, True),
        (["demo"], {"JUPITER_WORKERS": "2"}, False),
        (["token", "--user", "ann"], {"JUPITER_WORKERS": "2"}, False),
        (["--workers", "1"], {"JUPITER_WORKERS": "2"}, False),
        (["serve"], {"JUPITER_WORKERS": "2", NUMBER: "1"}, False),
    ],
)
def test_only_the_parent_of_several_workers_is_a_parent(arguments, environ, expected):
    assert is_parent(arguments, environ) is expected
    assert is_worker(environ) is (NUMBER in environ)


def test_a_worker_says_that_it_is_ready_and_hears_when_its_parent_is_gone():
    ours, theirs = socket.socketpair()
    with socket.socket() as listener, theirs:
        seat = Seat(1, "2026-01-01T00:00:00+00:00", listener, theirs)
        seat.say_ready("http://link")
        assert ours.recv(64) == b"http://link\n"
        orphaned = threading.Event()
        watching = threading.Thread(target=seat.watch, args=(orphaned.set,))
        watching.start()
        assert not orphaned.is_set()
        ours.close()
        assert orphaned.wait(5)
        watching.join(5)
