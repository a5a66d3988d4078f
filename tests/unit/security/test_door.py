"""The way into a route."""

import pytest
from flask import Flask

from backend.resilience.deadline import current_deadline
from backend.resilience.testing import FakeClock
from backend.security.door import REQUEST_SECONDS, Door, access
from backend.security.limits import RateLimiter
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens


@pytest.fixture
def app() -> Flask:
    clock = FakeClock()
    tokens = Tokens("a secret that is long enough for HS256", "the administrator's token", clock=clock)
    door = Door(tokens, Sessions(tokens, 60, clock=clock), RateLimiter({"requests": "9/second"}), clock=clock)
    made = Flask("house")
    door.install(made)

    @made.route("/usual")
    @access("public")
    def usual() -> str:
        return _left()

    @made.route("/longer")
    @access("public", seconds=600)
    def longer() -> str:
        return _left()

    return made


def _left() -> str:
    limit = current_deadline()
    assert limit is not None
    return str(limit.remaining())


def test_each_request_has_a_deadline_that_ends_with_it(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/usual").text == str(REQUEST_SECONDS)
    assert current_deadline() is None
    assert client.get("/longer").text == "600.0"
    assert current_deadline() is None


def test_a_request_for_nothing_leaves_no_deadline_behind(app: Flask) -> None:
    assert app.test_client().get("/nowhere").status_code == 404
    assert current_deadline() is None
