"""Every event passes one door: it answers with an ack, whatever comes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields

from backend.errors import AuthenticationError, DatabaseError
from backend.realtime.connections import MOST_EVENTS_AT_ONCE, Connections
from backend.realtime.door import ClientEvent, EventDoor
from backend.resilience.responses import DashboardErrorHandler
from backend.resilience.testing import FakeClock
from backend.security.limits import RateLimiter
from backend.security.principals import Principal


class EchoSchema(Schema):
    """What the events of these tests take."""

    text = fields.String(required=True)


class Site:
    """A door with one connection and a handler that remembers."""

    def __init__(self, rate="1000/minute"):
        self.clock = FakeClock()
        self.connections = Connections()
        self.connections.add("s1", Principal("ann", "analyst", expires_at=self.clock.now().timestamp() + 60))
        self.handled = []
        self.closed = set()
        self.role = ""
        events = [
            ClientEvent("echo", EchoSchema, self.echo, "Echo."),
            ClientEvent("rule", EchoSchema, self.echo, "Rule.", role="administrator"),
            ClientEvent("fail", EchoSchema, self.fail, "Fail."),
        ]
        self.door = EventDoor(
            events,
            self.connections,
            RateLimiter({"events": rate}),
            DashboardErrorHandler(),
            current=self.current,
            most_bytes=1000,
            clock=self.clock,
        )

    def current(self, principal):
        if principal.session_id in self.closed:
            raise AuthenticationError("signed out")
        return replace(principal, role=self.role) if self.role else principal

    def echo(self, connection, payload):
        self.handled.append((connection.sid, payload))
        return payload

    def fail(self, connection, payload):
        raise RuntimeError("secret inside") if payload["text"] == "unforeseen" else DatabaseError("no disk")

    def refused(self, name, *args, sid="s1"):
        ack = self.door.take(name, sid, args)
        assert ack["ok"] is False
        assert {"error", "error_code", "error_id", "message"} <= ack["error"].keys()
        return ack["error"]


@pytest.fixture
def site():
    return Site()


def test_a_valid_event_is_handled_and_its_data_is_in_the_ack(site):
    assert site.door.take("echo", "s1", ({"text": "hi"},)) == {"ok": True, "data": {"text": "hi"}}


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((), "VALIDATION_ERROR"),
        (({},), "VALIDATION_ERROR"),
        (({"text": 1},), "VALIDATION_ERROR"),
        (({"text": "a", "more": 1},), "VALIDATION_ERROR"),
        ((["text"],), "VALIDATION_ERROR"),
        (("text",), "VALIDATION_ERROR"),
        ((b"text",), "VALIDATION_ERROR"),
        (({"text": b"bytes"},), "VALIDATION_ERROR"),
        (({"text": "a"}, {"text": "b"}), "VALIDATION_ERROR"),
        (({"text": "x" * 1001},), "VALIDATION_ERROR"),
        (({"text": "\ud800"},), "VALIDATION_ERROR"),
    ],
)
def test_bad_input_is_refused_and_nothing_else_happens(site, args, code):
    assert site.refused("echo", *args)["error_code"] == code
    assert site.handled == []


def test_an_unknown_event_and_an_unknown_socket_are_refused(site):
    assert site.refused("nonsense" * 100, {})["error_code"] == "NOT_FOUND"
    assert site.refused("echo", {"text": "a"}, sid="stranger")["error_code"] == "AUTH_FAILED"


def test_a_role_that_is_too_low_is_refused(site):
    assert site.refused("rule", {"text": "a"})["error_code"] == "FORBIDDEN"


def test_a_socket_does_not_outlive_its_login(site):
    site.clock.advance(61)
    assert site.refused("echo", {"text": "a"})["error_code"] == "AUTH_FAILED"


def test_a_signed_out_session_is_refused(site):
    site.closed.add("")
    assert site.refused("echo", {"text": "a"})["error_code"] == "AUTH_FAILED"


def test_too_many_events_are_refused_with_a_time_to_wait():
    site = Site(rate="2/hour")
    for _ in range(2):
        site.door.take("echo", "s1", ({"text": "a"},))
    assert site.refused("echo", {"text": "a"})["retry_after"] >= 1


def test_too_many_events_at_once_are_refused(site):
    site.connections.get("s1").busy = MOST_EVENTS_AT_ONCE
    assert site.refused("echo", {"text": "a"})["error_code"] == "RATE_LIMITED"
    assert site.connections.get("s1").busy == MOST_EVENTS_AT_ONCE


def test_a_handlers_error_is_told_in_its_own_terms_and_an_unforeseen_one_without_its_text(site):
    assert site.refused("fail", {"text": "foreseen"})["error_code"] == "DATABASE_ERROR"
    body = site.refused("fail", {"text": "unforeseen"})
    assert body["error_code"] == "INTERNAL_ERROR"
    assert "secret inside" not in str(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.binary() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(json_values, max_size=2))
def test_no_payload_whatever_gets_past_as_an_exception(args):
    ack = Site().door.take("echo", "s1", tuple(args))
    assert ack["ok"] in (True, False)


def test_no_ack_gives_back_the_markup_of_what_it_refuses():
    site = Site()
    for name, payload in (("<b>x</b>", {}), ("echo", {"<script>alert(1)</script>": 1}), ("echo", {"text": ["<i>"]})):
        ack = site.door.take(name, "s1", (payload,))
        assert ack["ok"] is False
        assert "<" not in str(ack["error"]), ack
