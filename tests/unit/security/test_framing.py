"""Where a body ends is said once and clearly."""

import json

import pytest

from backend.security.framing import Framing


def ask(environ):
    """Return the status and what the application got."""
    got, told = [], []

    def app(environ, start_response):
        got.append(environ)
        start_response("200 OK", [])
        return [b""]

    body = b"".join(Framing(app)(environ, lambda status, headers: told.append((status, dict(headers)))))
    (answered,) = told
    return answered, body, got


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": "+2"},
        {"CONTENT_LENGTH": "2, 2"},
        {"CONTENT_LENGTH": "٢"},
        {"CONTENT_LENGTH": "1_0"},
        {"CONTENT_LENGTH": "2", "headers_raw": (("Content-Length", "2"), ("content-length", "50"))},
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_refused(environ):
    (status, headers), body, got = ask(environ)
    assert (status, headers["Connection"], got) == ("400 Bad Request", "close", [])
    assert json.loads(body)["error_code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "environ",
    [{}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "2"}, {"CONTENT_LENGTH": "0", "headers_raw": (("X", "1"),)}],
)
def test_any_other_request_goes_on_as_it_is(environ):
    (status, _), _, got = ask(dict(environ))
    assert (status, got) == ("200 OK", [environ])


def test_a_body_in_chunks_has_an_end_where_eventlet_reads_it():
    chunked = {"HTTP_TRANSFER_ENCODING": "Chunked"}
    assert ask({**chunked, "eventlet.input": object()})[2][0]["wsgi.input_terminated"] is True
    assert "wsgi.input_terminated" not in ask(dict(chunked))[2][0]
