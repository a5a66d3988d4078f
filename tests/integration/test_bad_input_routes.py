"""Bad input to every REST route: the standard error body, and nothing else happens.

The routes are those of /api/openapi.json, so a new route is tested as soon as it exists.
"""

import json
import time

import pytest

from tests.support.contracts import is_error_body, routes, wrong_texts, wrong_values
from tests.support.server import NOWHERE, Jupiter

MEGABYTE = "x" * 1_048_576
# What each role may use; a route that is in neither set is the administrator's.
VIEWER = {
    "GET /api/dashboard/summary",
    "GET /api/dashboard/health",
    "GET /api/error-stats",
    "GET /api/feature-status",
    "GET /api/threats",
    "GET /api/threats/export",
    "GET /api/threats/{threat_id}",
    "GET /api/pulse",
    "GET /api/pulse/items",
    "GET /api/chat/models",
    "GET /api/experiments",
    "GET /api/experiments/{experiment_id}",
    "GET /api/experiments/export",
    "GET /api/conversations",
    "GET /api/conversations/{conversation_id}",
    "GET /api/conversations/{conversation_id}/export",
    "GET /api/scans",
    "GET /api/scans/{scan_id}",
    "GET /api/scans/{scan_id}/findings",
    "GET /api/scans/{scan_id}/findings/export",
    "GET /api/alerts",
    "GET /api/watch-list",
    "GET /api/openapi.json",
    "GET /api/asyncapi.json",
}
ANALYST = VIEWER | {
    "POST /api/scans",
    "DELETE /api/scans/{scan_id}",
    "POST /api/scans/{scan_id}/cancel",
    "POST /api/scans/{scan_id}/rescan",
    "POST /api/alerts/{alert_id}/acknowledge",
    "POST /api/alerts/{alert_id}/resolve",
    "POST /api/watch-list",
    "DELETE /api/watch-list/{entry_id}",
    "GET /api/recent-errors",
    "POST /api/experiments",
    "PATCH /api/experiments/{experiment_id}",
    "DELETE /api/experiments/{experiment_id}",
    "POST /api/experiments/{experiment_id}/restore",
    "POST /api/experiments/import",
    "POST /api/conversations",
    "PATCH /api/conversations/{conversation_id}",
    "DELETE /api/conversations/{conversation_id}",
}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    settings = {**NOWHERE, "JUPITER_RATE_LIMIT": "100000/second", "JUPITER_LOG_FORMAT": "json"}
    with Jupiter(tmp_path_factory.mktemp("bad-routes"), settings) as made:
        yield made
        assert "Traceback" not in made.output


@pytest.fixture(scope="module")
def rest(jupiter):
    with jupiter.rest() as made:
        yield made


@pytest.fixture(scope="module")
def all_routes(rest):
    found = routes(rest.get("/api/openapi.json").body)
    assert len(found) >= 15
    return found


@pytest.fixture(scope="module")
def experiment(rest):
    made = rest.post("/api/experiments", json={"name": "kept", "experiment_type": "security_scan"})
    assert made.status == 201, made.body
    return made.body["id"]


@pytest.fixture(autouse=True)
def _nothing_else_happens(rest, experiment):
    """Whatever a test here sends, the data and the state of the server stay what they were."""

    def state():
        kept = [
            rest.get(f"/api/experiments/{experiment}"),
            rest.get("/api/experiments"),
            rest.get("/api/conversations"),
        ]
        features = rest.get("/api/feature-status").body
        return [answer.body for answer in kept], {name: each["enabled"] for name, each in features.items()}

    before = state()
    yield
    assert state() == before


def _refused(answer, *statuses):
    assert answer.status in statuses, (answer.status, answer.body)
    assert is_error_body(answer.body), answer.body
    assert answer.seconds < 2
    return True


def _filled(route, experiment):
    return route.filled(experiment_id=experiment, feature="intel")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "Bearer " + "x" * 5000],
    ids=["none", "empty", "wrong", "other-scheme", "malformed", "too-long"],
)
def test_without_a_good_token_every_route_answers_401(jupiter, all_routes, experiment, header):
    with jupiter.rest("") as stranger:
        for route in all_routes:
            headers = {"Authorization": header} if header else {}
            answer = stranger.send(route.method, _filled(route, experiment), json={}, headers=headers)
            assert _refused(answer, 401, 429), str(route)
            if answer.status == 401:
                assert answer.body["error_code"] == "AUTH_FAILED"
                assert "WWW-Authenticate" in answer.headers


def test_an_expired_token_is_refused_on_every_route(jupiter, all_routes, experiment):
    token = jupiter.token_for("ann", "administrator", expires=0.2)
    time.sleep(0.3)
    with jupiter.rest(token) as late:
        for route in all_routes:
            assert _refused(late.send(route.method, _filled(route, experiment), json={}), 401, 429), str(route)


@pytest.mark.parametrize(("role", "allowed"), [("viewer", VIEWER), ("analyst", ANALYST)])
def test_a_role_that_is_too_low_is_refused_on_every_route_beyond_it(jupiter, all_routes, role, allowed):
    with jupiter.rest(jupiter.token_for("bob", role)) as bob:
        for route in all_routes:
            answer = bob.send(route.method, route.filled(feature="intel"), json={})
            if str(route) in allowed:
                assert answer.status != 403, str(route)
            else:
                assert _refused(answer, 403), str(route)
                assert answer.body["error_code"] == "FORBIDDEN"


def test_query_parameters_of_a_wrong_type_are_refused_by_name(rest, all_routes, experiment):
    tried = 0
    for route in all_routes:
        for name, schema in route.query.items():
            for text in wrong_texts(schema):
                answer = rest.send(route.method, _filled(route, experiment), params={name: text})
                assert _refused(answer, 422), (str(route), name, text)
                assert name in json.dumps(answer.body["details"]), answer.body
                tried += 1
    assert tried >= 10


def test_unknown_query_parameters_are_refused_where_there_are_known_ones(rest, all_routes, experiment):
    for route in all_routes:
        if route.query:
            answer = rest.send(route.method, _filled(route, experiment), params={"no_such_filter": "1"})
            assert _refused(answer, 422), str(route)
            assert "no_such_filter" in json.dumps(answer.body["details"])


@pytest.mark.parametrize("name", ["no-such-thing", "%00", "..%2f..%2fetc%2fpasswd", "x" * 3000, "%F0%9F%92%A5", "'"])
def test_names_and_ids_that_do_not_exist_are_not_found(rest, all_routes, name):
    for route in all_routes:
        if route.variables:
            path = route.path
            for variable in route.variables:
                path = path.replace("{" + variable + "}", name)
            answer = rest.send(route.method, path, json={"reason": "because", "mode": "ok", "title": "t"})
            assert _refused(answer, 404, 405, 414, 422), str(route)


def test_bodies_that_cannot_be_read_are_refused(rest, all_routes, experiment):
    json_type = {"Content-Type": "application/json"}
    for route in _with_body(all_routes):
        path = _filled(route, experiment)
        for content in (b"{", b"\xff\xfe", b'{"name": "\\ud800"}', b"[" * 100_000, b"NaN"):
            assert _refused(rest.send(route.method, path, content=content, headers=json_type), 400, 422), str(route)
        form = rest.send(route.method, path, content=b"name=x", headers={"Content-Type": "text/plain"})
        assert _refused(form, 400), str(route)


def test_bodies_that_are_no_object_are_refused(rest, all_routes, experiment):
    for route in _with_body(all_routes):
        for body in ("[]", "[{}]", '"text"', "7", "true", "null"):
            headers = {"Content-Type": "application/json"}
            answer = rest.send(route.method, _filled(route, experiment), content=body, headers=headers)
            assert _refused(answer, 400, 422), (str(route), body)


def test_fields_of_a_wrong_type_are_refused_by_name(rest, all_routes, experiment):
    tried = 0
    for route in _with_body(all_routes):
        for name, schema in route.body.get("properties", {}).items():
            if schema.get("readOnly"):
                continue
            for value in wrong_values(schema):
                answer = rest.send(route.method, _filled(route, experiment), json={name: value})
                assert _refused(answer, 422), (str(route), name, value)
                assert name in json.dumps(answer.body["details"]), answer.body
                tried += 1
    assert tried >= 8


def test_unknown_fields_are_refused_by_name(rest, all_routes, experiment):
    for route in _with_body(all_routes):
        answer = rest.send(route.method, _filled(route, experiment), json={"no_such_field": 1})
        assert _refused(answer, 422), str(route)
        assert "no_such_field" in json.dumps(answer.body["details"])


def test_a_body_of_a_megabyte_is_refused_whatever_it_is(rest, all_routes, experiment):
    for route in _with_body(all_routes):
        name = next(iter(route.body.get("properties", {"name": {}})))
        answer = rest.send(route.method, _filled(route, experiment), json={name: MEGABYTE})
        assert _refused(answer, 413), str(route)


def test_a_method_that_a_route_does_not_take_is_refused(rest, all_routes, experiment):
    taken = {}
    for route in all_routes:
        taken.setdefault(route.path, set()).add(route.method)
    for route in all_routes:
        for method in {"PUT", "DELETE", "POST", "PATCH"} - taken[route.path]:
            assert _refused(rest.send(method, _filled(route, experiment), json={}), 405, 404), (method, str(route))


def test_an_address_that_does_not_exist_is_answered_with_the_same_body(rest):
    for path in ("/api/nothing", "/api/", "/api/experiments/", "/api/../etc/passwd"):
        assert _refused(rest.get(path), 404), path


def _with_body(all_routes):
    found = [route for route in all_routes if route.body is not None]
    assert len(found) >= 4
    return found
