"""One line an event: readable on a terminal, JSON for machines, no secrets in either."""

import io
import json
import logging

import pytest

from backend import logs


@pytest.fixture
def written(request):
    """Configure logging into a buffer and put it back afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    buffer = io.StringIO()
    logs.configure("DEBUG", request.param, buffer)
    yield buffer
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_json_lines_carry_marker_context_and_extra_fields(written):
    logs.bind(request_id="r1", user="ann", endpoint="GET /x")
    logging.getLogger("jupiter.chat").info("💬 Chat message: %s", "hi", extra={"error_id": "e1"})
    line = json.loads(written.getvalue())
    assert line["marker"] == "chat"
    assert line["message"] == "Chat message: hi"
    assert (line["request_id"], line["user"], line["endpoint"], line["error_id"]) == ("r1", "ann", "GET /x", "e1")


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_line_without_a_marker_gets_that_of_its_level(written):
    logging.getLogger("jupiter.x").warning("late")
    logging.getLogger("jupiter.x").error("broken")
    warning, error = written.getvalue().splitlines()
    assert "⚠️ late" in warning
    assert "❌ broken" in error


@pytest.mark.parametrize("written", ["text", "json"], indirect=True)
def test_secrets_are_taken_out_of_message_fields_and_trace(written):
    try:
        raise ValueError("Authorization: Bearer sk-abcdefghijklmnop1234567890")
    except ValueError:
        logging.getLogger("jupiter.x").exception(
            "GET /login?token=topsecrettoken123", extra={"params": {"password": "hunter2hunter2"}}
        )
    text = written.getvalue()
    assert "ValueError" in text
    assert not any(secret in text for secret in ("sk-abcdef", "topsecret", "hunter2"))


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_line_break_in_a_message_cannot_forge_a_second_line(written):
    logging.getLogger("jupiter.x").info("one\n12:00:00 ✅ forged")
    assert len(written.getvalue().splitlines()) == 1


FORGED = "one\n12:00:00 ✅ forged\r12:00:01 ✅ forged\x1b[2J\x9b2J\x85\u2028\u202etxt\ud800"


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_nothing_from_outside_forges_a_line_or_commands_the_terminal(written):
    """An address that is asked for, whoever asks, is in `endpoint`."""
    logs.bind(endpoint=f"GET /{FORGED}")
    try:
        raise ValueError(FORGED)
    except ValueError:
        logging.getLogger("jupiter.x").exception(FORGED, extra={"params": {FORGED: FORGED}, "user_id": FORGED})
    lines = written.getvalue().splitlines()
    assert [line for line in lines[1:] if not line.startswith("  ")] == []
    assert "Traceback" in lines[1]
    assert all(line.isprintable() for line in lines)
    written.getvalue().encode()


@pytest.mark.parametrize("written", ["text", "json"], indirect=True)
def test_what_cannot_be_encoded_is_written_all_the_same(written):
    logging.getLogger("jupiter.x").info("half a pair \ud83d", extra={"params": {"\ud83d": 2**80}})
    (line,) = written.getvalue().splitlines()
    line.encode()
    assert "half a pair" in line


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_of_json_stays_json_whatever_is_in_it(written):
    logs.bind(endpoint=FORGED)
    logging.getLogger("jupiter.x").info(FORGED)
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["message"] == FORGED
