"""What is kept is given ahead of Flask, by the same rules as the route."""

from collections import Counter

import pytest
from flask import Flask, Response, g
from werkzeug.test import Client, TestResponse

from backend.api.errors import JupiterApi
from backend.api.errors import install as install_errors
from backend.api.ready_answers import Kept, ReadyAnswers
from backend.resilience.aggregator import ErrorAggregator
from backend.resilience.responses import DashboardErrorHandler
from backend.resilience.testing import FakeClock
from backend.security.door import Door, access
from backend.security.limits import RateLimiter
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens

ROUTE = b'{"from":"the route"}'


class House:
    """A Flask application with one route for analysts, of which an answer may be kept."""

    def __init__(self, rate: str = "100/minute") -> None:
        self.clock = FakeClock()
        self.tokens = Tokens("a secret that is long enough for HS256", "the administrator's token", clock=self.clock)
        limiter = RateLimiter({"requests": rate, "refused": rate}, now=lambda: self.clock.now().timestamp())
        door = Door(self.tokens, Sessions(self.tokens, 60, clock=self.clock), limiter, clock=self.clock)
        self.kept: dict[str, tuple[bytes, str]] = {}
        self.answered: Counter[tuple[str, int]] = Counter()
        app = Flask("house")
        app.config.update(SECRET_KEY="x", API_TITLE="x", API_VERSION="x", OPENAPI_VERSION="3.1.0")
        JupiterApi(app)
        door.install(app)

        @app.route("/kept")
        @access("analyst")
        def way() -> Response:
            return Response(ROUTE, headers={"X-User": g.principal.user_id})

        install_errors(app, DashboardErrorHandler(aggregator=ErrorAggregator()), lambda: Response("sign in"))
        ready = ReadyAnswers(
            app,
            app.wsgi_app,
            door,
            {"/kept": Kept("way", self.kept.get)},
            answered=lambda endpoint, status: self.answered.update([(endpoint, status)]),
        )
        self.client = Client(ready)

    def get(self, role: str = "analyst", query: str = "", **headers: str) -> TestResponse:
        token = self.tokens.issue("ann", role, 60)
        sent = {"Authorization": f"Bearer {token}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.get("/kept", query_string=query, headers=sent)


@pytest.fixture
def house() -> House:
    made = House()
    made.kept["ann"] = (b'{"kept":1}', "abc")
    return made


def test_what_is_kept_is_given_with_its_tag_and_counted(house: House) -> None:
    answer = house.get()
    assert (answer.status_code, answer.data) == (200, b'{"kept":1}')
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["ETag"] == '"abc"'
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert house.answered == {("way", 200): 1}


@pytest.mark.parametrize("tags", ['"abc"', 'W/"abc"', '"x", "abc"', "*"])
def test_a_client_that_has_it_gets_no_body(house: House, tags: str) -> None:
    answer = house.get(If_None_Match=tags)
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"abc"'
    assert house.answered == {("way", 304): 1}


def test_a_client_with_an_older_copy_gets_the_new_one(house: House) -> None:
    assert house.get(If_None_Match='"older", "abcd"').data == b'{"kept":1}'


def test_nothing_kept_is_the_routes_to_answer(house: House) -> None:
    del house.kept["ann"]
    answer = house.get()
    assert (answer.data, answer.headers["X-User"]) == (ROUTE, "ann")


@pytest.mark.parametrize("query", ["force_refresh=1", "x=y"])
def test_parameters_are_the_routes_to_read(house: House, query: str) -> None:
    assert house.get(query=query).data == ROUTE


def test_other_methods_are_the_routes(house: House) -> None:
    token = house.tokens.issue("ann", "analyst", 60)
    headers = {"Authorization": f"Bearer {token}"}
    assert house.client.head("/kept", headers=headers).headers["X-User"] == "ann"
    assert house.client.post("/kept", headers=headers).status_code == 405


def test_nobody_is_refused_as_everywhere(house: House) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        answer = house.client.get("/kept", headers=headers)
        assert (answer.status_code, answer.json["error_code"]) == (401, "AUTH_FAILED")


def test_a_role_that_does_not_reach_is_refused(house: House) -> None:
    assert house.get(role="viewer").status_code == 403


def test_a_token_that_has_ended_is_refused(house: House) -> None:
    token = house.tokens.issue("ann", "analyst", 60)
    house.clock.advance(61)
    assert house.client.get("/kept", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_the_limit_counts_here_too() -> None:
    house = House(rate="2/minute")
    house.kept["ann"] = (b"{}", "abc")
    assert [house.get().status_code for _ in range(3)] == [200, 200, 429]


def test_somebody_elses_answer_is_not_given(house: House) -> None:
    token = house.tokens.issue("bob", "analyst", 60)
    assert house.client.get("/kept", headers={"Authorization": f"Bearer {token}"}).headers["X-User"] == "bob"


def test_a_route_without_access_cannot_be_given() -> None:
    house = House()
    app = Flask("other")
    app.add_url_rule("/open", "open", lambda: "x")
    door = Door(house.tokens, Sessions(house.tokens, 60), RateLimiter({}))
    with pytest.raises(ValueError, match="open declares no access"):
        ReadyAnswers(app, app.wsgi_app, door, {"/open": Kept("open", house.kept.get)}, answered=lambda *_: None)
