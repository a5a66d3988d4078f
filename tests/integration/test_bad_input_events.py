"""Bad input to every socket event: an `{ok: false, error}` ack, and nothing else happens.

The events are those of /api/asyncapi.json, so a new event is tested as soon as it exists.
"""

import time
import uuid

import pytest
import socketio

from tests.support.client import Events
from tests.support.contracts import client_events, is_error_body, wrong_values
from tests.support.server import NOWHERE, Jupiter

MEGABYTE = "x" * 1_048_576
QUIET = 0.3
# What the background sends by itself, whatever a client does.
BACKGROUND = {"status_update", "threats_update", "pulse_update"}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    settings = {**NOWHERE, "JUPITER_EVENT_RATE_LIMIT": "100000/second", "JUPITER_LOG_FORMAT": "json"}
    with Jupiter(tmp_path_factory.mktemp("bad-events"), settings) as made:
        yield made
        assert "Traceback" not in made.output


@pytest.fixture(scope="module")
def contract(jupiter):
    with jupiter.rest() as rest:
        document = rest.get("/api/asyncapi.json").body
    assert len(client_events(document)) >= 8
    return document


@pytest.fixture
def events(jupiter):
    with jupiter.events() as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_else_happens(jupiter, request):
    """No conversation comes into being, no feature changes, and the server still answers."""

    def state():
        with jupiter.rest() as rest:
            features = rest.get("/api/feature-status").body
            enabled = {name: each["enabled"] for name, each in features.items()}
            return rest.get("/api/conversations").body, rest.get("/api/experiments").body, enabled

    before = state()
    yield
    assert state() == before


def _refused(ack, *codes):
    assert isinstance(ack, dict), ack
    assert ack["ok"] is False, ack
    assert is_error_body(ack["error"]), ack
    if codes:
        assert ack["error"]["error_code"] in codes, ack
    return True


def _silent(events, since):
    """Nothing came of it: no thinking, no loading, no answer, no disconnect."""
    time.sleep(QUIET)
    came = [event.name for event in events.received[since:] if event.name not in BACKGROUND]
    assert came == []


def test_payloads_that_are_no_object_are_refused(events, contract):
    since = events.mark()
    for name in client_events(contract):
        for payload in ("text", 7, True, [1, 2], [[]]):
            assert _refused(events.call(name, payload), "VALIDATION_ERROR"), (name, payload)
    _silent(events, since)


def test_fields_of_a_wrong_type_are_refused_by_name(events, contract):
    since, tried = events.mark(), 0
    for name, schema in client_events(contract).items():
        for field, wanted in schema.get("properties", {}).items():
            for value in wrong_values(wanted):
                ack = events.call(name, {field: value})
                assert _refused(ack, "VALIDATION_ERROR"), (name, field, value)
                assert field in str(ack["error"]["details"]), ack
                tried += 1
    assert tried >= 10
    _silent(events, since)


def test_unknown_fields_are_refused_by_name(events, contract):
    since = events.mark()
    for name in client_events(contract):
        ack = events.call(name, {"no_such_field": 1})
        assert _refused(ack, "VALIDATION_ERROR"), name
        assert "no_such_field" in str(ack["error"]), ack
    _silent(events, since)


def test_what_is_required_cannot_be_left_out(events, contract):
    since = events.mark()
    for name, schema in client_events(contract).items():
        if schema.get("required") and name != "sync":  # its payload is the mapping of streams itself, and may be empty
            assert _refused(events.call(name, {}), "VALIDATION_ERROR"), name
    _silent(events, since)


def test_a_message_of_a_megabyte_is_refused(events, contract):
    since = events.mark()
    for name, schema in client_events(contract).items():
        field = next(iter(schema.get("properties") or {"message": {}}))
        assert _refused(events.call(name, {field: MEGABYTE}), "VALIDATION_ERROR"), name
    _silent(events, since)


def test_what_json_cannot_hold_is_refused(events, contract):
    since = events.mark()
    for name in client_events(contract):
        assert _refused(events.call(name, {"message": b"\x00\x01"}), "VALIDATION_ERROR"), name
        assert _refused(events.call(name, ({}, {})), "VALIDATION_ERROR"), name
    _silent(events, since)


def test_an_event_that_does_not_exist_is_refused(events):
    since = events.mark()
    for name in ("no_such_event", "__init__", "connect_error", "x" * 5000):
        assert _refused(events.call(name, {}), "NOT_FOUND"), name
    _silent(events, since)


@pytest.mark.parametrize(
    "token", ["", "wrong", "a.b.c", "x" * 5000, 7, None, {"$ne": ""}, ["x"]], ids=lambda token: str(token)[:12]
)
def test_without_a_good_token_nobody_connects(jupiter, token):
    stranger = Events()
    with pytest.raises(socketio.exceptions.ConnectionError):
        stranger.connect(jupiter.url, token)
    assert [event.name for event in stranger.received if event.name != "disconnect"] == []


def test_an_expired_token_does_not_connect(jupiter):
    token = jupiter.token_for("ann", "administrator", expires=0.2)
    time.sleep(0.3)
    with pytest.raises(socketio.exceptions.ConnectionError):
        Events().connect(jupiter.url, token)


def test_a_socket_is_closed_soon_after_its_token_has_expired(jupiter):
    """What it sends in between is refused, see tests/unit/realtime/test_door.py; what it is sent ends too."""
    made = time.monotonic()
    with jupiter.events(jupiter.token_for("ann", "administrator", expires=15)) as late:  # so long the rest may take
        assert late.call("request_status")["ok"] is True
        late.wait_for("disconnect", timeout=40)
        closed = next(event.at for event in late.received if event.name == "disconnect")
        assert closed - made > 14  # the token was made after that


def test_a_role_that_is_too_low_is_refused(jupiter, contract):
    operations = contract["operations"]
    above = [name for name in client_events(contract) if operations[name]["x-role"] != "viewer"]
    assert set(above) == {"chat_message", "chat_retry", "chat_stop"}
    with jupiter.events(jupiter.token_for("vic", "viewer")) as viewer:
        since = viewer.mark()
        for name in above:
            payload = {"message": "hello", "client_message_id": str(uuid.uuid4()), "message_id": str(uuid.uuid4())}
            assert _refused(viewer.call(name, payload), "FORBIDDEN"), name
        _silent(viewer, since)


def test_a_packet_beyond_every_limit_ends_that_socket_and_no_other(jupiter, events):
    flooding = jupiter.events()
    flooding.emit("chat_message", {"message": "x" * 3_000_000})
    flooding.wait_for("disconnect")
    assert events.call("request_status")["ok"] is True


def test_a_conversation_of_somebody_else_is_not_found(jupiter, events):
    ack = events.call("chat_history", {"conversation_id": str(uuid.uuid4())})
    assert _refused(ack, "NOT_FOUND")
