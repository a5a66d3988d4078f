"""Who does not keep to the protocol, or does not sign in, loses the socket."""

import logging

import pytest

from backend.realtime.connections import Connections
from backend.realtime.engine import STRANGER_SECONDS, Strangers, harden
from backend.resilience.responses import DashboardErrorHandler
from backend.resilience.testing import FakeClock
from backend.security.principals import Principal


class EngineSocket:
    def __init__(self):
        self.closed = None

    def close(self, *, wait):
        self.closed = wait


class Server:
    """As much of python-socketio's server as is used; `engine-1` carries `s1`."""

    def __init__(self, handle=None):
        self.eio = self.manager = self
        self.handlers = {"message": handle}
        self.logger = logging.getLogger("tests.engine")
        self.sockets = {"engine-1": EngineSocket(), "engine-2": EngineSocket()}

    def on(self, name, handler):
        self.handlers[name] = handler

    def sid_from_eio_sid(self, engine_sid, namespace):
        assert namespace == "/"
        return engine_sid.replace("engine-", "s")


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO)
    return caplog


def failing(error):
    def handle(engine_sid, data):
        raise error

    return handle


@pytest.mark.parametrize("error", [ValueError("Unexpected binary packet"), KeyError("a fault of ours")])
def test_a_packet_that_cannot_be_handled_closes_its_socket_and_no_other(told, error):
    server = Server(failing(error))
    kept = dict(server.sockets)
    harden(server, DashboardErrorHandler())
    server.handlers["message"]("engine-1", "2[]")
    assert (kept["engine-1"].closed, kept["engine-2"].closed) == (False, None)
    assert list(server.sockets) == ["engine-2"]
    (record,) = told.records
    assert bool(record.stack_trace) is isinstance(error, KeyError)  # what a client sends wrong has no stack


@pytest.mark.parametrize("data", ["", b"", {"a": 1}, [2], None, 7])
def test_what_is_no_text_is_not_handed_on(told, data):
    server = Server(lambda *_: pytest.fail("handed on"))
    harden(server, DashboardErrorHandler())
    server.handlers["message"]("engine-1", data)
    assert list(server.sockets) == ["engine-2"]


def test_what_can_be_handled_is_handed_on():
    taken = []
    server = Server(lambda *given: taken.append(given))
    harden(server, DashboardErrorHandler())
    server.handlers["message"]("engine-1", '2["x"]')
    assert taken == [("engine-1", '2["x"]')]
    assert len(server.sockets) == 2


def test_nobody_is_waited_for_when_a_socket_is_closed():
    server = Server()
    harden(server, DashboardErrorHandler())
    one = server.sockets["engine-1"]
    server.disconnect("engine-1")
    server.disconnect("engine-1")
    assert one.closed is False  # the argument `wait`


def test_a_request_that_cannot_be_read_is_told_in_one_line(told):
    server = Server()
    harden(server, DashboardErrorHandler())
    for text in ("post request handler error", "connect handler error"):
        try:
            raise ValueError(text)
        except ValueError:
            server.logger.exception(text)
    unreadable, fault = told.records
    assert (unreadable.levelname, unreadable.exc_info) == ("INFO", None)
    assert unreadable.getMessage() == "A request of a socket cannot be read: ValueError"
    assert (fault.levelname, fault.exc_info[0]) == ("ERROR", ValueError)


def test_the_libraries_write_their_lines_no_second_time():
    server = Server()
    server.logger.addHandler(logging.StreamHandler())
    harden(server, DashboardErrorHandler())
    assert server.logger.handlers == []


def test_who_does_not_sign_in_or_is_signed_in_no_more_has_some_seconds():
    clock, server, connections = FakeClock(), Server(), Connections()
    strangers = Strangers(server, connections, clock=clock)
    connections.add("s1", Principal("ann", "viewer"))
    one, other = server.sockets["engine-1"], server.sockets["engine-2"]
    strangers.look()
    clock.advance(STRANGER_SECONDS - 1)
    strangers.look()
    assert (one.closed, other.closed) == (None, None)
    connections.remove("s1")
    clock.advance(1)
    strangers.look()
    assert (one.closed, other.closed) == (None, False)
    clock.advance(STRANGER_SECONDS)
    strangers.look()
    assert one.closed is False
    assert server.sockets == {}


def test_who_signs_in_late_begins_anew_when_it_is_signed_out():
    clock, server, connections = FakeClock(), Server(), Connections()
    strangers = Strangers(server, connections, clock=clock)
    strangers.look()
    clock.advance(STRANGER_SECONDS - 1)
    connections.add("s1", Principal("ann", "viewer"))
    strangers.look()
    connections.remove("s1")
    clock.advance(5)
    strangers.look()
    assert "engine-1" in server.sockets
