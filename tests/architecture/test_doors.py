"""Every route and every event has authentication, a schema and documentation."""

import pytest

from backend.security.door import PUBLIC, declared_access
from backend.security.principals import ROLES
from tests.support.site import Site

PUBLIC_ENDPOINTS = {
    "static",
    "sign_in.login_form",
    "sign_in.login",
    "pages.status_page",
    "pages.status_json",
    "pages.livez",
    "pages.readyz",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("doors"))
    yield made
    made.close()


def rules(site):
    return list(site.app.url_map.iter_rules())


def test_every_route_declares_who_may_use_it_and_only_these_are_public(site):
    declared = {rule.endpoint: declared_access(site.app, rule.endpoint) for rule in rules(site)}
    assert [endpoint for endpoint, access in declared.items() if access is None] == []
    assert {endpoint for endpoint, access in declared.items() if access.role == PUBLIC} == PUBLIC_ENDPOINTS
    assert {access.role for access in declared.values()} <= {PUBLIC, *ROLES}


def test_every_route_refuses_a_stranger(site):
    stranger = site.client(None)
    for rule in rules(site):
        if rule.endpoint in PUBLIC_ENDPOINTS:
            continue
        path = rule.rule.replace("<string:feature>", "chat").replace("<string:name>", "x")
        for kind in ("experiment_id", "conversation_id", "entry_id", "scan_id", "alert_id"):
            path = path.replace(f"<uuid:{kind}>", "00000000-0000-4000-8000-000000000000")
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            answer = stranger.open(path, method=method, headers={"Accept": "application/json"})
            assert answer.status_code == 401, (method, path, answer.status_code)
            assert answer.json["error_code"] == "AUTH_FAILED"


def test_every_api_route_is_documented_with_a_summary_and_an_answer(site):
    document = site.client().get("/api/openapi.json").json
    documented = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "post", "patch", "put", "delete")
    }
    for rule in rules(site):
        if not rule.rule.startswith("/api"):
            continue
        path = rule.rule
        for kind in ("uuid", "string"):
            path = path.replace(f"<{kind}:", "{").replace(">", "}")
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            assert (method, path) in documented
            operation = document["paths"][path][method.lower()]
            assert operation.get("summary"), (method, path)
            assert any(code.startswith("2") for code in operation["responses"]), (method, path)


def test_every_event_is_documented_and_every_answer_exists(site):
    document = site.client().get("/api/asyncapi.json").json
    operations = document["operations"]
    for name, operation in operations.items():
        assert operation["summary"]
        payload = document["components"]["messages"][name]["payload"]["$ref"]
        assert payload.removeprefix("#/components/schemas/") in document["components"]["schemas"]
        if operation["action"] == "receive":
            assert operation["x-role"] in ROLES
            assert set(operation["x-answers"]) <= operations.keys()
    received = {name for name, operation in operations.items() if operation["action"] == "receive"}
    assert received == {
        "chat_message",
        "chat_retry",
        "chat_stop",
        "chat_history",
        "request_threats",
        "request_pulse",
        "request_summary",
        "request_status",
        "sync",
    }
