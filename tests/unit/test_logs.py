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
