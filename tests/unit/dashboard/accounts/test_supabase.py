"""Accounts with Supabase: one contract for both stores, sessions that are renewed, a service that fails."""

from __future__ import annotations

import httpx
import pytest

from backend.dashboard.accounts.local import LocalAccounts
from backend.dashboard.accounts.sealed_sessions import SealedSessions
from backend.dashboard.accounts.supabase import SupabaseAccounts, SupabaseSignIn
from backend.dashboard.accounts.supabase_sessions import SupabaseSessions
from backend.errors import (
    AuthenticationError,
    CircuitBreakerOpenError,
    ConflictError,
    ForbiddenError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    UpstreamRejectedError,
    ValidationError,
)
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.resilience.testing import FakeClock
from backend.security.access_tokens import AccessTokens
from backend.security.attempts import Attempts
from backend.security.limits import RateLimiter
from backend.security.passwords import Cost, Passwords
from backend.security.published_keys import PublishedKeys
from backend.security.sealed import Sealer
from backend.security.sessions import Sessions
from backend.security.supabase_auth import SupabaseAuth
from backend.security.tokens import Tokens
from backend.storage.database import rows
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase
from tests.support.supabase_auth import KEY, PASSWORD, FakeAuth

EMAIL = "ann@example.org"


class Process:
    """One server process over a project and a database that others share."""

    def __init__(self, project, database, clock):
        self.clock = clock
        guards = Guards(clock=clock)
        policy = Policy(attempts=1, failure_threshold=10**6)
        self.guard = guards.add("supabase_auth", feature="dashboard_data", policy=policy)
        stored = guards.add("accounts", feature="dashboard_data", policy=policy)
        client = httpx.Client(transport=project.transport())
        self.auth = SupabaseAuth("https://x.supabase.co/", KEY, client=client, guard=self.guard)
        self.tokens = AccessTokens(PublishedKeys(self.auth.keys_address, self.auth.keys, clock=clock), clock=clock)
        self.later = []
        self.sessions = Sessions(Tokens("s" * 40, "admin-token-of-tests", clock=clock), 12 * 3600, clock=clock)
        self.keeper = SupabaseSessions(
            self.auth,
            self.tokens,
            SealedSessions(database, stored, Sealer("server's own secret", "sessions"), clock=clock),
            seconds=12 * 3600,
            ended=lambda session_id, why: self.sessions.end(session_id, reason=why),
            clock=clock,
            spawn=lambda func, *args: self.later.append((func, args)),
        )
        self.sessions.keeper = self.keeper
        limiter = RateLimiter({"account_logins": "3/minute"}, now=lambda: clock.now().timestamp())
        self.sign_in = SupabaseSignIn(self.auth, self.tokens, self.keeper, Attempts(limiter), clock=clock)

    def enter(self, password=PASSWORD):
        kept = {}
        proved = self.sign_in.prove(EMAIL, password)
        self.sessions.enter(kept, proved.person, session_id=proved.session_id)
        return kept

    def run_later(self):
        while self.later:
            func, args = self.later.pop(0)
            func(*args)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def project(clock):
    made = FakeAuth(now=lambda: clock.now().timestamp())
    made.ann = made.add(EMAIL, "analyst")
    return made


@pytest.fixture
def database(tmp_path):
    made = FlakyDatabase(SqliteDatabase(tmp_path / "x.db"))
    yield made
    made.close()


@pytest.fixture
def here(project, database, clock):
    return Process(project, database, clock)


def test_a_session_has_the_persons_id_role_name_and_token(here, project):
    person = here.sessions.read(here.enter())
    assert (person.user_id, person.role, person.name) == (project.ann, "analyst", EMAIL)
    assert here.tokens.authenticate(person.access()).user_id == project.ann


def test_neither_cookie_nor_table_has_a_token_in_the_clear(here, database):
    kept = here.enter()
    grant = here.keeper._held[kept["id"]].grant
    table = str(rows(database.execute_query("sessions", "select")))
    for secret in (grant.access, grant.refresh):
        assert secret not in str(kept) + table + repr(grant)


def test_what_is_taken_back_while_the_service_answers_is_about_this_session_too(here, project, clock, monkeypatch):
    sign_in = here.auth.sign_in

    def slowly(*given):
        grant = sign_in(*given)
        clock.advance(2)
        here.sessions.end_all_of(project.ann, reason="disabled")
        clock.advance(1)
        return grant

    monkeypatch.setattr(here.auth, "sign_in", slowly)
    with pytest.raises(AuthenticationError, match="disabled"):
        here.enter()
    monkeypatch.undo()
    assert here.sessions.read(here.enter()).user_id == project.ann


def test_a_wrong_password_is_told_as_that_and_nothing_else(here):
    with pytest.raises(AuthenticationError) as told:
        here.sign_in.prove(EMAIL, "wrong")
    assert told.value.message == "Name or password is not right."


def test_attempts_on_one_account_are_limited_before_anybody_is_asked(here, project):
    for _ in range(3):
        with pytest.raises(AuthenticationError):
            here.sign_in.prove(EMAIL, "wrong")
    asked = len(project.calls)
    with pytest.raises(RateLimitedError):
        here.sign_in.prove(EMAIL.upper(), PASSWORD)
    assert len(project.calls) == asked


def test_somebody_without_a_role_does_not_come_in(here, project):
    project.add("new@example.org")
    with pytest.raises(ForbiddenError, match="no role"):
        here.sign_in.prove("new@example.org", PASSWORD)


def test_a_token_is_renewed_beside_the_request_before_it_ends(here, project, clock):
    kept = here.enter()
    clock.advance(3600 - 301)
    here.sessions.read(kept)
    assert here.later == []
    clock.advance(2)
    before = here.sessions.read(kept).access()
    assert len(here.later) == 1  # once, however many ask
    here.sessions.read(kept)
    assert len(here.later) == 1
    here.run_later()
    assert here.sessions.read(kept).access() != before
    for _ in range(5):
        clock.advance(3500)
        here.sessions.read(kept)
        here.run_later()
    assert here.sessions.read(kept).role == "analyst"


def test_a_token_that_has_ended_meanwhile_is_renewed_at_once(here, clock):
    kept = here.enter()
    clock.advance(2 * 3600)
    assert here.tokens.authenticate(here.sessions.read(kept).access()).role == "analyst"


def test_a_new_role_comes_with_the_renewed_token(here, project, clock):
    kept = here.enter()
    project.users[project.ann]["app_metadata"]["role"] = "viewer"
    assert here.sessions.read(kept).role == "analyst"
    clock.advance(3600)
    assert here.sessions.read(kept).role == "viewer"


def test_a_role_changed_here_holds_at_once_and_one_changed_there_later_after_it(here, project, clock):
    kept = here.enter()
    clock.advance(1)
    here.sessions.change_role(project.ann, "viewer", reason="changed by admin")
    assert here.sessions.read(kept).role == "viewer"
    project.users[project.ann]["app_metadata"]["role"] = "administrator"
    clock.advance(3600)
    assert here.sessions.read(kept).role == "administrator"


def test_while_the_service_is_away_people_go_on_until_their_token_ends(here, project, clock):
    kept = here.enter()
    project.broken = (503, None)
    clock.advance(3599)
    assert here.sessions.read(kept).role == "analyst"
    here.run_later()
    clock.advance(1)
    with pytest.raises(AuthenticationError) as told:
        here.sessions.read(kept)
    assert "does not answer" in told.value.message
    assert told.value.retry_after
    project.broken = None
    assert here.sessions.read(kept).role == "analyst"  # it was not thrown away


def test_a_session_that_was_ended_there_ends_here_and_is_told(here, project, clock):
    kept, told = here.enter(), []
    here.sessions.subscribe(told.append)
    project.refresh.clear()
    clock.advance(3600)
    with pytest.raises(AuthenticationError):
        here.sessions.read(kept)
    assert [one.subject for one in told] == [kept["id"]]
    with pytest.raises(AuthenticationError, match="signed out"):
        here.sessions.read(kept)


def test_somebody_whose_role_was_taken_away_there_is_out_with_the_renewed_token(here, project, clock):
    kept, told = here.enter(), []
    here.sessions.subscribe(told.append)
    del project.users[project.ann]["app_metadata"]["role"]
    clock.advance(3600 - 299)
    assert here.sessions.read(kept).role == "analyst"
    here.run_later()
    assert [one.subject for one in told] == [kept["id"]]
    with pytest.raises(AuthenticationError, match="signed out"):
        here.sessions.read(kept)


def test_what_was_renewed_is_not_lost_while_it_cannot_be_checked(here, project, clock, monkeypatch):
    """A refresh token is good once; the keys may be out of reach at just that moment."""
    kept, authenticate = here.enter(), here.tokens.authenticate

    def away(_):
        raise NetworkError("no keys")

    clock.advance(3600)
    monkeypatch.setattr(here.tokens, "authenticate", away)
    with pytest.raises(AuthenticationError, match="cannot be renewed"):
        here.sessions.read(kept)
    monkeypatch.setattr(here.tokens, "authenticate", authenticate)
    assert here.sessions.read(kept).role == "analyst"


def test_a_session_that_two_requests_load_at_once_is_held_once(here, project, database, clock, monkeypatch):
    """Each would renew with the same refresh token, which is good once."""
    kept, there = here.enter(), Process(project, database, clock)
    read = there.keeper._kept.read

    def slowly(session_id):
        found = read(session_id)
        monkeypatch.setattr(there.keeper._kept, "read", read)
        there.first = there.keeper._find(session_id)
        return found

    monkeypatch.setattr(there.keeper._kept, "read", slowly)
    assert there.keeper._find(kept["id"]) is there.first


def test_a_renewed_token_of_somebody_else_is_not_taken(here, project, clock):
    kept = here.enter()
    eve = project.add("eve@example.org", "administrator")
    project.refresh = {token: (eve, pair[1]) for token, pair in project.refresh.items()}
    clock.advance(3600)
    with pytest.raises(AuthenticationError):
        here.sessions.read(kept)


def test_sessions_go_on_after_a_restart_and_in_other_processes(here, project, database, clock):
    kept = here.enter()
    there = Process(project, database, clock)
    assert there.sessions.read(dict(kept)).role == "analyst"
    clock.advance(3600)
    assert there.sessions.read(dict(kept)).role == "analyst"
    renewed = [call for call in project.calls if "refresh_token" in call]
    assert here.sessions.read(kept).role == "analyst"  # takes what the other one has renewed
    assert [call for call in project.calls if "refresh_token" in call] == renewed
    clock.advance(3600)
    late = Process(project, database, clock)
    assert late.sessions.read(dict(kept)).role == "analyst"


def test_a_table_of_another_server_opens_nothing(here, project, database, clock):
    kept = here.enter()
    there = Process(project, database, clock)
    there.keeper._kept._sealer = Sealer("another secret", "sessions")
    with pytest.raises(AuthenticationError, match="not known"):
        there.sessions.read(dict(kept))


def test_signing_out_ends_it_here_and_there(here, project, database):
    kept = here.enter()
    copy = dict(kept)
    here.sessions.close(kept)
    here.run_later()
    assert project.refresh == {}
    assert rows(database.execute_query("sessions", "select")) == []
    with pytest.raises(AuthenticationError):
        here.sessions.read(copy)


def test_signing_in_works_while_the_database_is_away(here, database):
    database.fail_all()
    kept = here.enter()
    assert here.sessions.read(kept).role == "analyst"


FAULTS = {
    "500": (httpx.Response(500, json={"msg": "boom"}), NetworkError),
    "502 in HTML": (httpx.Response(502, text="<html>bad gateway</html>"), NetworkError),
    "200 in HTML": (httpx.Response(200, text="<html>sign in to the wifi</html>"), NetworkError),
    "nothing": (httpx.Response(200), NetworkError),
    "half of the JSON": (httpx.Response(200, text='{"access_token": "x"'), NetworkError),
    "no tokens": (httpx.Response(200, json={"access_token": None, "refresh_token": ""}), NetworkError),
    "a list": (httpx.Response(200, json=[1]), NetworkError),
    "a redirect": (httpx.Response(302, headers={"Location": "http://127.0.0.1:1/"}), NetworkError),
    "404 in HTML": (httpx.Response(404, text="<html>"), NetworkError),
    "our key": (httpx.Response(401, json={"message": "Invalid API key"}), UpstreamRejectedError),
    "too often": (httpx.Response(429, headers={"Retry-After": "7"}), RateLimitedError),
    "wrong": (httpx.Response(400, json={"error_code": "invalid_credentials"}), AuthenticationError),
    "wrong, as it was said before": (httpx.Response(400, json={"error": "invalid_grant"}), AuthenticationError),
    "unconfirmed": (httpx.Response(400, json={"error_code": "email_not_confirmed"}), AuthenticationError),
    "too much": (httpx.Response(200, content=b"x" * (5 * 1024 * 1024)), NetworkError),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_each_fault_of_the_service_is_told_for_what_it_is(clock, fault):
    answer, expected = fault
    guard = Guards(clock=clock).add("supabase_auth", feature="dashboard_data", policy=Policy(attempts=1))
    client = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    auth = SupabaseAuth("https://x.supabase.co", KEY, client=client, guard=guard)
    with pytest.raises(expected) as told:
        auth.sign_in(EMAIL, PASSWORD)
    assert PASSWORD not in str(told.value)
    if expected is RateLimitedError:
        assert told.value.retry_after == 7


def test_a_service_that_keeps_failing_is_not_asked_any_more(clock):
    asked = []
    client = httpx.Client(transport=httpx.MockTransport(lambda one: asked.append(one) or httpx.Response(503)))
    guard = Guards(clock=clock).add("supabase_auth", feature="dashboard_data", policy=Policy(attempts=1))
    auth = SupabaseAuth("https://x.supabase.co", KEY, client=client, guard=guard)
    for _ in range(8):
        with pytest.raises((NetworkError, CircuitBreakerOpenError)):
            auth.sign_in(EMAIL, PASSWORD)
    assert len(asked) == 5


@pytest.fixture(params=["local", "supabase"])
def store(request, here, database, project):
    if request.param == "supabase":
        project.users.clear()
        return SupabaseAccounts(here.auth, clock=here.clock)
    guard = Guards().add("accounts", feature="dashboard_data", policy=Policy(attempts=1))
    return LocalAccounts(database, guard, Passwords(Cost(1, 8, 1)))


class TestBothStores:
    """What every AccountStore does."""

    def test_an_account_is_made_found_and_listed(self, store):
        made = store.add("Bob@Example.org", "viewer", PASSWORD)
        assert (made.name, made.role, made.status) == ("bob@example.org", "viewer", "active")
        assert store.get(made.id) == store.get("BOB@example.org") == store.list()[0]
        assert len(store.list()) == 1

    def test_a_name_is_taken_once(self, store):
        store.add("bob@example.org", "viewer", PASSWORD)
        with pytest.raises(ConflictError):
            store.add("bob@example.org", "analyst", PASSWORD)

    def test_role_status_and_password_change(self, store):
        made = store.add("bob@example.org", "viewer", PASSWORD)
        assert store.set_role(made.id, "administrator").role == "administrator"
        assert store.set_status(made.id, "disabled").status == "disabled"
        assert store.get(made.id).status == "disabled"
        assert store.set_status(made.id, "active").status == "active"
        assert store.set_password(made.id, "another good password").id == made.id

    @pytest.mark.parametrize("identity", ["nobody", "nobody@example.org", "b5b6f5f2-0000-4000-8000-000000000000", ""])
    def test_an_account_that_is_not_there_is_not_found(self, store, identity):
        for act in (
            lambda: store.get(identity),
            lambda: store.set_role(identity, "viewer"),
            lambda: store.set_status(identity, "disabled"),
            lambda: store.set_password(identity, PASSWORD),
        ):
            with pytest.raises(NotFoundError):
                act()

    @pytest.mark.parametrize(("name", "role"), [("", "viewer"), ("a b", "viewer"), ("bob@example.org", "root")])
    def test_what_does_not_fit_is_refused(self, store, name, role):
        with pytest.raises(ValidationError):
            store.add(name, role, PASSWORD)
