"""Jupiter with Supabase, whole: a real server, PostgREST over a real PostgreSQL, Auth with its administration."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.integration.test_accounts import GENEROUS, Browser, command
from tests.support.client import eventually
from tests.support.server import NOWHERE, Jupiter
from tests.support.supabase_auth import PASSWORD, FakeAuth
from tests.support.supabase_lite import JWT_SECRET, SupabaseLite

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

ANN, EVE = "ann@example.org", "eve@example.org"
EXPERIMENT = {"name": "Drill", "experiment_type": "chaos_drill"}


@pytest.fixture(scope="module")
def lite(tmp_path_factory) -> Iterator[SupabaseLite]:
    made = SupabaseLite(tmp_path_factory.mktemp("supabase"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def project(lite):
    """The project's accounts; its tokens are those that the database knows."""
    made = FakeAuth(secret=JWT_SECRET, key=lite.key)
    made.ann, made.eve = made.add(ANN, "analyst"), made.add(EVE, "analyst")
    with made.serve(lite.url) as url:
        made.url = url
        yield made


@pytest.fixture
def settings(project, tmp_path):
    return {
        **NOWHERE,
        **GENEROUS,
        "JUPITER_BREAKER_FAILURES": "5",
        "JUPITER_BREAKER_OPEN_SECONDS": "2",
        "JUPITER_CALL_TIMEOUT_SECONDS": "3",
        "JUPITER_DATA_DIR": str(tmp_path / "kept"),
        "SUPABASE_URL": project.url,
        "SUPABASE_KEY": project.key,
        "SUPABASE_JWT_SECRET": JWT_SECRET,
    }


@pytest.fixture
def jupiter(serve, settings) -> Jupiter:
    return serve(settings)


def signed_in(jupiter, email=ANN):
    made = Browser(jupiter)
    answer = made.sign_in(email, PASSWORD)
    assert answer.status_code == 303, answer.text
    return made


def test_what_people_write_is_theirs_by_the_databases_own_rule(jupiter, project):
    ann, eve = signed_in(jupiter), signed_in(jupiter, EVE)
    made = ann.post("/api/experiments", json=EXPERIMENT)
    assert (made.status_code, made.json()["user_id"]) == (201, project.ann)
    path = f"/api/experiments/{made.json()['id']}"
    assert (ann.status(path), eve.status(path)) == (200, 404)
    assert "ann@example.org" in ann.client.get("/").text
    with jupiter.rest(project.access(project.ann)) as rest:  # Supabase's own token is taken as a bearer token too
        assert rest.get(path).body["name"] == "Drill"
    assert "Traceback" not in jupiter.output


def test_no_secret_and_no_token_is_ever_logged(jupiter, project):
    ann = signed_in(jupiter)
    ann.post("/api/experiments", json=EXPERIMENT)
    Browser(jupiter).sign_in(ANN, "a wrong password of hers")
    seen = jupiter.output + (jupiter.folder / "stderr").read_text()
    for secret in (PASSWORD, "a wrong password of hers", project.key, JWT_SECRET, "eyJ", *project.refresh):
        assert secret not in seen


def test_a_role_changed_over_rest_or_from_the_shell_holds_for_open_sockets_within_5_s(jupiter, project):
    ann = signed_in(jupiter)
    stop = ("chat_stop", {"message_id": "b5b6f5f2-0000-4000-8000-000000000000"})
    with ann.events() as events, jupiter.rest() as rest:
        for change, expected in (
            (lambda: rest.send("PATCH", f"/api/accounts/{project.ann}", json={"role": "viewer"}), "FORBIDDEN"),
            (lambda: command(jupiter, "role", ANN, "analyst"), "NOT_FOUND"),
        ):
            change()
            changed = time.monotonic()
            eventually(lambda expected=expected: events.call(*stop)["error"]["error_code"] == expected, timeout=15)
            assert time.monotonic() - changed < 5
        command(jupiter, "disable", ANN)
        ended = time.monotonic()
        events.wait_for("disconnect", timeout=15)
        assert time.monotonic() - ended < 5
        acts = [entry["action"] for entry in rest.get("/api/audit").body["entries"]]
        assert acts == ["disable_account", "change_role", "change_role"]
    assert ann.status() == 401
    assert Browser(jupiter).sign_in(ANN, PASSWORD).status_code == 401
    assert ANN in command(jupiter, "list")


def test_a_session_goes_on_over_the_end_of_its_tokens_and_over_a_restart(serve, settings, project):
    project.lifetime = 16  # a quarter of it is the time that a renewal may take here
    jupiter = serve(settings)
    ann = signed_in(jupiter)
    with ann.events() as events:
        time.sleep(18)  # the tokens of these tests have a real clock: Auth and the database look at it
        assert events.call("request_summary", {})["ok"] is True
        assert ann.post("/api/experiments", json=EXPERIMENT).status_code == 201
        assert not events.named("disconnect")
    project.lifetime = 3600
    jupiter.kill()
    again = serve(settings)
    ann.url = again.url
    ann.client.base_url = again.url
    assert ann.status() == 200
    assert ann.client.get("/api/experiments").json()["total"] >= 1


def test_while_auth_is_away_people_go_on_and_the_sign_in_page_says_when_to_come_back(serve, settings, project):
    project.lifetime = 12
    jupiter = serve(settings)
    ann = signed_in(jupiter)
    project.broken = (503, None)
    refused = Browser(jupiter).sign_in(EVE, PASSWORD)
    assert refused.status_code in (502, 503)
    assert "not possible at the moment" in refused.text
    assert int(refused.headers["retry-after"]) >= 1
    assert ann.status() == 200
    with ann.events() as events:
        events.wait_for("disconnect", timeout=30)  # its token has ended
    told = ann.client.get("/api/feature-status")
    assert told.status_code == 401
    assert "does not answer" in told.json()["message"]
    project.broken = None
    project.lifetime = 3600
    eventually(lambda: ann.status() == 200, timeout=40, interval=1)  # the refresh token was kept


def test_a_session_that_was_ended_at_supabase_ends_here(serve, settings, project):
    project.lifetime = 12  # so long the socket may take to be opened
    jupiter = serve(settings)
    ann = signed_in(jupiter)
    with ann.events() as events:
        project.refresh.clear()
        events.wait_for("disconnect", timeout=30)
    assert ann.status() == 401


def test_while_the_database_is_away_pages_and_sign_in_work(jupiter, project):
    ann = signed_in(jupiter)
    assert ann.client.get("/api/dashboard/summary").status_code == 200
    project.rest_is_broken = True
    assert ann.client.get("/").status_code == 200
    summary = ann.client.get("/api/dashboard/summary?force_refresh=1")
    assert summary.status_code in (200, 503)
    assert signed_in(jupiter, EVE).status() == 200
    assert ann.post("/logout").status_code == 303
    assert ann.status() == 401
    project.rest_is_broken = False


def test_signing_out_ends_it_at_supabase_too(jupiter, project):
    ann = signed_in(jupiter)
    assert project.refresh
    assert ann.post("/logout").status_code == 303
    eventually(lambda: not project.refresh)


def test_accounts_are_supabases(jupiter, project):
    with jupiter.rest() as rest:
        made = rest.post("/api/accounts", json={"name": "bob@example.org", "role": "viewer"})
        assert made.status == 201
        bob = Browser(jupiter)
        assert bob.sign_in("bob@example.org", made.body["password"]).status_code == 303
        assert rest.post("/api/accounts", json={"name": "bob"}).status == 422
        listed = rest.get("/api/accounts").body
        assert (listed["kind"], [one["name"] for one in listed["accounts"]]) == (
            "supabase",
            [ANN, "bob@example.org", EVE],
        )
    page = Browser(jupiter).client.get("/login").text
    assert "E-mail" in page
