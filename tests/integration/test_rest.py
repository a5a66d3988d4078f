"""The REST routes as their users see them, over a real SQLite file."""

import re
import uuid

import pytest

from backend.errors import DatabaseError
from tests.support.client import eventually
from tests.support.site import ADMIN_TOKEN, Site


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "var")
    yield made
    made.close()


@pytest.fixture
def admin(site):
    return site.client()


def create(client, **fields):
    body = {"name": "Scan of the week", "experiment_type": "security_scan", **fields}
    answer = client.post("/api/experiments", json=body)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_an_experiment_is_created_read_changed_and_listed(admin):
    made = create(admin, parameters={"depth": 2})
    assert uuid.UUID(made["id"])
    assert made["status"] == "pending"
    address = f"/api/experiments/{made['id']}"
    assert admin.get(address).json["parameters"] == {"depth": 2}
    assert admin.patch(address, json={"status": "completed"}).json["status"] == "completed"
    listed = admin.get("/api/experiments?status=completed").json
    assert [row["id"] for row in listed["experiments"]] == [made["id"]]


def test_the_summary_counts_what_there_is_and_is_cached(admin):
    create(admin, status="completed")
    create(admin, experiment_type="benchmark")
    first = admin.get("/api/dashboard/summary").json
    assert first["total_experiments"] == 2
    assert first["experiments_by_type"] == {"security_scan": 1, "benchmark": 1}
    assert first["experiments_by_status"] == {"completed": 1, "pending": 1}
    assert first["recent_activity"]["last_7_days"] == 2
    assert first["partial_failure"] is False
    second = admin.get("/api/dashboard/summary")
    assert second.json["cached"] is True
    assert second.json["cache_timestamp"]
    etag = second.headers["ETag"]
    assert admin.get("/api/dashboard/summary", headers={"If-None-Match": etag}).status_code == 304
    assert admin.get("/api/dashboard/summary?force_refresh=1").json["cached"] is False


def test_a_change_shows_in_the_next_summary(admin):
    create(admin)
    assert admin.get("/api/dashboard/summary").json["total_experiments"] == 1
    create(admin)
    # where the database takes long, what is shown meanwhile says that it is outdated
    shown = eventually(lambda: None if (told := admin.get("/api/dashboard/summary").json).get("stale") else told)
    assert shown["total_experiments"] == 2


def test_people_see_their_own_experiments_only(site, admin):
    ann = site.client(site.token("analyst", user="ann"))
    bob = site.client(site.token("analyst", user="bob"))
    made = create(ann)
    assert bob.get(f"/api/experiments/{made['id']}").status_code == 404
    assert bob.patch(f"/api/experiments/{made['id']}", json={"name": "mine"}).status_code == 404
    assert bob.get("/api/dashboard/summary").json["total_experiments"] == 0
    assert admin.get(f"/api/experiments/{made['id']}").status_code == 200


def test_markup_in_a_name_never_comes_back_as_markup(admin):
    made = create(admin, name="<script>alert(1)</script>Week <b>3</b>")
    assert "<" not in made["name"]


def test_no_error_gives_back_the_markup_of_what_it_refuses(site, admin):
    tag = "<script>alert(1)</script>"
    refused = [
        admin.post("/api/experiments", json={"name": "x", "experiment_type": tag, tag: 1}),
        admin.post(
            "/api/experiments", json={"name": "x", "experiment_type": "benchmark", "parameters": {"<b>a": 1, "a": 2}}
        ),
        admin.get("/api/experiments", query_string={tag: tag, "sort": tag}),
        admin.get("/api/threats", query_string={"severity": tag, "<img src=x>": "1"}),
        admin.post("/api/features/%3Cscript%3E/disable", json={"reason": "x"}),
        admin.patch("/api/accounts/%3Cscript%3E", json={"role": "viewer"}),
        admin.get("/api/threats/%3Cimg%20src=x%3E"),
        admin.post("/api/experiments/import", json=[{"name": "x", "experiment_type": "benchmark", tag: 1}]),
        admin.get("/%3Cscript%3E", headers={"Accept": "text/html"}),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 422, 422, 404, 404, 404, 200, 404]
    for answer in refused[:-1]:
        assert not re.search(r"<[A-Za-z/!?]", answer.text), answer.text
    assert "<script>" not in refused[-1].text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"name": "", "experiment_type": "security_scan"}, 422),
        ({"name": 1, "experiment_type": "security_scan"}, 422),
        ({"name": "x", "experiment_type": "nonsense"}, 422),
        ({"name": "x", "experiment_type": "security_scan", "more": 1}, 422),
        ({"name": "x" * 201, "experiment_type": "security_scan"}, 422),
        ({"name": "x", "experiment_type": "security_scan", "user_id": "someone"}, 422),
        ([1], 422),
    ],
)
def test_a_bad_experiment_is_refused_with_the_fields_and_not_kept(admin, body, status):
    answer = admin.post("/api/experiments", json=body)
    assert answer.status_code == status
    assert answer.json["error"] == "Invalid data format"
    assert answer.json["error_code"] == "VALIDATION_ERROR"
    assert answer.json["details"]
    assert admin.get("/api/experiments").json["experiments"] == []


def test_what_cannot_be_read_is_told_apart_from_what_is_wrong(admin):
    broken = admin.post("/api/experiments", data="{", content_type="application/json")
    assert (broken.status_code, broken.json["error_code"]) == (400, "VALIDATION_ERROR")
    large = admin.post("/api/experiments", data=b"x" * 1_000_000, content_type="application/json")
    assert large.status_code == 413
    assert large.json["error_id"]
    assert admin.put("/api/experiments").status_code == 405
    assert admin.get("/api/nothing").json["error_code"] == "NOT_FOUND"
    assert admin.get("/api/experiments/not-an-id").status_code == 404


def test_an_unforeseen_error_says_nothing_of_itself(site):
    def explode():
        raise RuntimeError("SELECT secret FROM somewhere")

    explode.jupiter_access = site.app.view_functions["pages.livez"].jupiter_access
    site.app.add_url_rule("/api/explode", "explode", explode)
    answer = site.client().get("/api/explode")
    assert answer.status_code == 500
    assert answer.json["error_code"] == "INTERNAL_ERROR"
    assert answer.json["retry_after"] == 60
    assert "SELECT" not in answer.text
    assert "Traceback" not in answer.text


def test_feature_status_has_the_five_features(admin):
    features = admin.get("/api/feature-status").json
    assert set(features) == {
        "grok_chat",
        "threat_intelligence",
        "community_pulse",
        "scan_processing",
        "dashboard_data",
    }
    for feature in features.values():
        assert (feature["enabled"], feature["circuit_breaker"], feature["failures"]) == (True, "closed", 0)


@pytest.mark.parametrize(
    ("name", "feature"),
    [("chat", "grok_chat"), ("intel", "threat_intelligence"), ("community_pulse", "community_pulse")],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_breaker_is_reset_by_name_or_alias(admin, name, feature, method):
    answer = admin.open(f"/api/reset-circuit-breaker/{name}", method=method)
    assert answer.status_code == 200
    assert answer.json == {"success": True, "message": f"Circuit breaker reset for {feature}"}


def test_a_reset_needs_the_role_and_an_existing_feature(site, admin):
    assert admin.post("/api/reset-circuit-breaker/nonsense").status_code == 404
    viewer = site.client(site.token("viewer"))
    refused = viewer.post("/api/reset-circuit-breaker/chat")
    assert (refused.status_code, refused.json["error_code"]) == (403, "FORBIDDEN")


def test_a_feature_is_switched_off_by_hand_until_it_is_switched_on(admin):
    assert admin.post("/api/features/chat/disable", json={"reason": "maintenance"}).status_code == 200
    state = admin.get("/api/feature-status").json["grok_chat"]
    assert state["enabled"] is False
    assert "maintenance" in state["reason"]
    assert admin.post("/api/features/chat/enable").status_code == 200
    assert admin.get("/api/feature-status").json["grok_chat"]["enabled"] is True


def test_administrative_acts_are_in_the_audit_log(site, admin):
    admin.post("/api/reset-circuit-breaker/chat")
    (row,) = site.jupiter.adapters.database.execute_query("audit_log", "select")["data"]
    assert (row["user_id"], row["action"], row["target"]) == ("admin", "reset_circuit_breaker", "grok_chat")


def test_what_an_administrator_does_to_somebody_elses_experiment_is_in_the_audit_log(site, admin):
    ann = site.client(site.token("analyst", user="ann"))
    for made in (create(ann), create(admin)):
        address = f"/api/experiments/{made['id']}"
        admin.get(address)
        assert admin.patch(address, json={"status": "completed"}).status_code == 200
        assert admin.delete(address).status_code == 200
        assert admin.post(f"{address}/restore").status_code == 200
    own = create(ann)
    ann.delete(f"/api/experiments/{own['id']}")
    acts = site.jupiter.adapters.database.execute_query("audit_log", "select", order=[{"column": "created_at"}])["data"]
    assert [act["action"] for act in acts] == ["change_experiment", "delete_experiment", "restore_experiment"]
    assert {act["user_id"] for act in acts} == {"admin"}
    assert {act["details"]["owner"] for act in acts} == {"ann"}


def test_five_failures_of_the_database_open_its_breaker_and_the_summary_says_so(site, admin, monkeypatch):
    calls = []

    def failing(*args, **kwargs):
        calls.append(args)
        raise DatabaseError("disk gone")

    monkeypatch.setattr(site.jupiter.adapters.database.inner, "execute_query", failing)
    for _ in range(5):
        admin.get("/api/dashboard/summary?force_refresh=1")
    before = len(calls)
    answer = admin.get("/api/dashboard/summary")
    assert answer.status_code == 503
    assert answer.json["error"] == "Dashboard service temporarily unavailable"
    assert answer.json["retry_after"] == 60
    assert answer.headers["Retry-After"] == "60"
    assert answer.json["fallback_data"]["total_experiments"] == 0
    assert len(calls) == before
    assert admin.get("/api/feature-status").json["dashboard_data"]["circuit_breaker"] == "open"
    assert admin.get("/api/error-stats").json["total_errors"] >= 5
    assert admin.get("/api/dashboard/health").status_code == 503
    assert admin.get("/api/threats").status_code == 200


def test_errors_are_counted_and_listed_newest_first(site, admin):
    record = site.jupiter.dashboard.status
    aggregator = record._errors
    for number in range(3):
        aggregator.record_error("api_failure", f"failure {number}", {"endpoint": "/x"})
    stats = admin.get("/api/error-stats").json
    assert stats["total_errors"] == 3
    assert stats["errors_by_type"] == {"api_failure": 3}
    assert stats["window_minutes"] == 60
    assert stats["error_rate"] == pytest.approx(0.05)
    assert [each["count"] for each in stats["series"]] == [0] * 59 + [3]
    recent = admin.get("/api/recent-errors?limit=2").json["errors"]
    assert [error["message"] for error in recent] == ["failure 2", "failure 1"]
    assert admin.get("/api/recent-errors?limit=0").status_code == 422


def test_health_names_every_check(admin):
    health = admin.get("/api/dashboard/health").json
    assert health["service"] == "dashboard"
    assert health["status"] == "healthy"
    assert {"database", "cache", "llm"} <= health["checks"].keys()
    assert health["checks"]["llm"]["status"] == "not_configured"


def test_a_cookie_needs_the_pages_token_for_changes_and_cannot_use_get_for_them(site):
    browser = site.browser()
    assert browser.get("/api/feature-status").status_code == 200
    refused = browser.post("/api/reset-circuit-breaker/chat")
    assert (refused.status_code, refused.json["error_code"]) == (403, "FORBIDDEN")
    assert browser.get("/api/reset-circuit-breaker/chat").status_code == 403
    with browser.session_transaction() as kept:
        token = kept["csrf"]
    assert browser.post("/api/reset-circuit-breaker/chat", headers={"X-CSRF-Token": token}).status_code == 200


def test_signing_out_ends_the_session_also_for_copies_of_the_cookie(site):
    browser, thief = site.browser(), site.app.test_client()
    thief.set_cookie("jupiter_session", browser.get_cookie("jupiter_session").value)
    assert thief.get("/api/feature-status").status_code == 200
    with browser.session_transaction() as kept:
        token = kept["csrf"]
    assert browser.post("/logout", headers={"X-CSRF-Token": token}).status_code == 303
    assert thief.get("/api/feature-status").status_code == 401


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer nonsense", "nonsense", f"Token {ADMIN_TOKEN}", "Bearer " + "x" * 9000]
)
def test_a_wrong_authorization_header_is_refused(site, header):
    answer = site.client(None).get("/api/feature-status", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["error"] == "Authentication failed"
    assert answer.json["actions"] == ["refresh_token", "login_again"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_too_many_requests_are_refused_with_retry_after(tmp_path):
    site = Site(tmp_path / "var", rate_limit="5/hour")
    client = site.client()
    answers = [client.get("/api/feature-status") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    site.close()


def test_conversations_are_listed_renamed_exported_and_deleted(site, admin):
    made = admin.post("/api/conversations", json={"title": "About routers"}).json
    address = f"/api/conversations/{made['id']}"
    assert admin.patch(address, json={"title": "Routers"}).json["title"] == "Routers"
    assert [row["title"] for row in admin.get("/api/conversations").json["conversations"]] == ["Routers"]
    assert admin.get(address).json["messages"] == []
    assert "Routers" in admin.get(f"{address}/export").text
    stranger = site.client(site.token("analyst", user="bob"))
    assert stranger.get(address).status_code == 404
    assert admin.delete(address).status_code == 204
    assert admin.get(address).status_code == 404
