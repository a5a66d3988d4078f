"""The pages a person opens."""

import pytest

from tests.support.site import Site


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "var")
    yield made
    made.close()


def test_a_stranger_is_sent_to_sign_in_and_back(site):
    answer = site.client(None).get("/admin", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=/admin"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "//[",
        "http://[",
        "evil.example",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site(site, wanted):
    answer = site.client(None).post(
        "/login", data={"token": site.settings.admin_token, "next": wanted}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("wanted", ["/admin", "/experiments?search=a%20b&sort=name", "/x//y", "/?next=//evil.example"])
def test_signing_in_leads_back_to_where_one_was(site, wanted):
    page = site.client(None).get("/login", query_string={"next": wanted})
    assert page.status_code == 200
    answer = site.client(None).post("/login", data={"token": site.settings.admin_token, "next": wanted})
    assert answer.headers["Location"] == wanted


def test_the_sign_in_page_takes_any_text_as_the_way_back(site):
    for wanted in ("//[", "http://[", "\x00", "/\r\nSet-Cookie: a=b", "%ud800"):
        assert site.client(None).get("/login", query_string={"next": wanted}).status_code == 200


def test_a_wrong_token_is_told_on_the_page(site):
    answer = site.client(None).post("/login", data={"token": "wrong"}, headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert "not valid" in answer.text
    assert answer.content_type.startswith("text/html")


@pytest.mark.parametrize("path", ["/", "/admin"])
def test_pages_open_after_signing_in(site, path):
    answer = site.browser().get(path)
    assert answer.status_code == 200
    assert "Jupiter" in answer.text


def test_the_console_is_for_administrators(site):
    browser = site.app.test_client()
    browser.get(f"/login?token={site.token('analyst')}")
    answer = browser.get("/admin", headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "administrator" in answer.text


def test_every_answer_has_the_security_headers(site):
    for path in ("/", "/login", "/status", "/api/feature-status", "/static/css/base.css", "/nothing"):
        with site.browser().get(path) as answer:
            headers = answer.headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


def test_the_session_cookie_is_out_of_reach_of_scripts(site):
    cookie = site.app.test_client().get(f"/login?token={site.settings.admin_token}").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_the_public_status_page_says_what_works_and_nothing_more(site):
    stranger = site.client(None)
    page = stranger.get("/status", headers={"Accept": "text/html"})
    assert page.status_code == 200
    status = stranger.get("/status.json").json
    assert status["health"] == "healthy"
    assert set(status["features"].values()) == {"operational"}


@pytest.mark.parametrize(
    ("state", "word"), [("open", "degraded"), ("half_open", "degraded"), ("closed", "operational")]
)
def test_a_feature_that_goes_on_without_one_of_its_dependencies_is_not_called_operational(
    site, monkeypatch, state, word
):
    status = site.jupiter.dashboard.status
    features = status.features()
    features["dashboard_data"]["dependencies"]["database"]["circuit_breaker"] = state
    monkeypatch.setattr(status, "_features", lambda: features)
    told = site.client(None).get("/status.json").json["features"]
    assert told == dict.fromkeys(features, "operational") | {"dashboard_data": word}


def test_the_probes_tell_alive_and_ready_apart(site):
    stranger = site.client(None)
    assert stranger.get("/livez").status_code == 200
    assert stranger.get("/readyz").status_code == 503
    site.jupiter.ready.set()
    assert stranger.get("/readyz").status_code == 200


def test_metrics_are_in_prometheus_form_and_need_a_token(site):
    assert site.client(None).get("/metrics").status_code == 401
    text = site.client().get("/metrics").text
    assert "# TYPE jupiter_http_requests_total counter" in text
    assert "jupiter_sockets 0.0" in text


def test_an_address_that_is_not_there_is_a_page_for_people_and_json_for_programs(site):
    browser = site.browser()
    page = browser.get("/nothing", headers={"Accept": "text/html"})
    assert (page.status_code, page.content_type.split(";")[0]) == (404, "text/html")
    assert browser.get("/nothing", headers={"Accept": "application/json"}).json["error_code"] == "NOT_FOUND"


def test_signing_out_works_without_scripts(site):
    browser = site.browser()
    token = browser.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]
    assert browser.post("/logout", data={"csrf_token": "wrong"}).status_code == 403
    assert browser.post("/logout", data={"csrf_token": token}).status_code == 303
    assert browser.get("/api/feature-status").status_code == 401
