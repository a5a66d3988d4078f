"""Local accounts, how administrators handle them, and how their owners come in."""

from __future__ import annotations

import pytest

from backend.dashboard.accounts.local import LocalAccounts
from backend.dashboard.accounts.service import AccountService
from backend.dashboard.accounts.sign_in import LocalSignIn
from backend.dashboard.audit.log import AuditLog
from backend.dashboard.audit.trail import AuditTrail
from backend.errors import (
    AuthenticationError,
    ConflictError,
    DatabaseError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    ValidationError,
)
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.resilience.testing import FakeClock
from backend.security.attempts import Attempts
from backend.security.limits import RateLimiter
from backend.security.passwords import Cost, Passwords
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens
from backend.storage.database import rows
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase

GOOD, BETTER = "correct horse battery", "an even better password"


class Place:
    def __init__(self, folder):
        self.clock = FakeClock()
        self.database = FlakyDatabase(SqliteDatabase(folder / "x.db"))
        policy = Policy(attempts=1, failure_threshold=10**6)
        guard = Guards(clock=self.clock).add("accounts", feature="dashboard_data", policy=policy)
        passwords = Passwords(Cost(1, 8, 1))
        self.store = LocalAccounts(self.database, guard, passwords, clock=self.clock)
        self.limiter = RateLimiter({"account_logins": "3/minute"}, now=lambda: self.clock.now().timestamp())
        self.sign_in = LocalSignIn(self.store, Attempts(self.limiter), clock=self.clock)
        self.sessions = Sessions(Tokens("s" * 40, "admin-token-of-tests", clock=self.clock), 3600, clock=self.clock)
        self.trail = AuditTrail(self.database, guard)
        self.accounts = AccountService(self.store, self.sessions, AuditLog(self.database, guard, clock=self.clock))

    def enter(self, name="ann", password=GOOD):
        kept = {}
        self.sessions.enter(kept, self.sign_in.prove(name, password).person)
        self.clock.advance(1)
        return kept

    def acts(self):
        return [entry["action"] for entry in self.trail.page({})["entries"]]


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    made.accounts.add("Ann", "analyst", GOOD, by="admin")
    yield made
    made.database.close()


def test_an_account_is_made_with_a_name_in_lower_case_and_noted(place):
    listed = place.accounts.list()
    assert [(one["name"], one["role"], one["status"]) for one in listed["accounts"]] == [("ann", "analyst", "active")]
    assert place.acts() == ["add_account"]


def test_no_password_or_hash_is_ever_shown_or_noted(place):
    made = place.accounts.add("bob", "viewer", by="admin")
    assert len(made["password"]) >= 20
    shown = str(place.accounts.list()) + str(place.trail.page({}))
    assert made["password"] not in shown
    assert "argon2" not in shown
    assert place.sign_in.prove("bob", made["password"]).person.role == "viewer"


@pytest.mark.parametrize("name", ["", "admin", "ADMIN ", "a b", "x" * 65, "<b>", "ann\n", "-x"])
def test_a_name_that_does_not_fit_is_refused(place, name):
    if name == "ann\n":
        with pytest.raises(ConflictError):
            place.accounts.add(name, "viewer", GOOD, by="admin")
        return
    with pytest.raises(ValidationError):
        place.accounts.add(name, "viewer", GOOD, by="admin")


def test_a_name_is_taken_once(place):
    with pytest.raises(ConflictError):
        place.accounts.add("ANN", "viewer", GOOD, by="admin")


def test_name_and_password_give_the_person_in_any_case(place):
    person = place.sign_in.prove(" ANN ", GOOD).person
    assert (person.user_id, person.role, person.name) == ("ann", "analyst", "ann")
    assert place.accounts.list()["accounts"][0]["signed_in_at"] is not None


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", GOOD), ("", ""), ("admin", GOOD)])
def test_anything_else_is_refused_with_the_same_words(place, name, password):
    with pytest.raises(AuthenticationError, match="wrong name or password"):
        place.sign_in.prove(name, password)


def test_attempts_on_one_account_are_limited_and_forgotten_after_a_success(place):
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            place.sign_in.prove("ann", "wrong")
    place.sign_in.prove("ann", GOOD)
    for _ in range(3):
        with pytest.raises(AuthenticationError):
            place.sign_in.prove("ann", "wrong")
    with pytest.raises(RateLimitedError) as refused:
        place.sign_in.prove("Ann ", GOOD)  # the right one too, and under any spelling
    assert refused.value.retry_after >= 1
    with pytest.raises(AuthenticationError):
        place.sign_in.prove("bob", "wrong")


def test_a_disabled_account_is_out_at_once_and_does_not_come_in(place):
    kept = place.enter()
    place.accounts.change("ann", status="disabled", by="admin")
    with pytest.raises(AuthenticationError):
        place.sessions.read(dict(kept))
    with pytest.raises(AuthenticationError, match="wrong name or password"):
        place.sign_in.prove("ann", GOOD)
    place.clock.advance(1)
    place.accounts.change("ann", status="active", by="admin")
    assert place.sessions.read(place.enter()).role == "analyst"
    with pytest.raises(AuthenticationError):
        place.sessions.read(kept)  # the old session stays ended
    assert place.acts()[:2] == ["enable_account", "disable_account"]


def test_a_changed_role_holds_for_open_sessions(place):
    kept = place.enter()
    place.accounts.change("ann", role="viewer", by="admin")
    assert place.sessions.read(kept).role == "viewer"
    place.clock.advance(1)
    assert place.sign_in.prove("ann", GOOD).person.role == "viewer"
    assert place.acts()[0] == "change_role"


@pytest.mark.parametrize("change", [{"status": "disabled"}, {"role": "viewer"}])
def test_what_changes_while_the_password_is_looked_at_holds_for_that_sign_in(place, monkeypatch, change):
    """Hashing takes its time, and people wait for their turn: the row may have been read seconds ago."""
    fits = place.store._passwords.fits

    def slowly(*given):
        place.clock.advance(1)
        place.accounts.change("ann", **change, by="admin")
        place.clock.advance(1)
        return fits(*given)

    monkeypatch.setattr(place.store._passwords, "fits", slowly)
    if "status" in change:
        with pytest.raises(AuthenticationError, match="disabled"):
            place.enter()
    else:
        assert place.sessions.read(place.enter()).role == "viewer"


def test_nothing_is_noted_where_nothing_changes(place):
    place.accounts.change("ann", role="analyst", status="active", by="admin")
    assert place.acts() == ["add_account"]


def test_nobody_changes_their_own_role(place):
    with pytest.raises(ConflictError):
        place.accounts.change("ann", role="administrator", by="ann")


def test_another_password_ends_what_the_old_one_opened(place):
    kept = place.enter()
    place.accounts.set_password("ann", BETTER, by="admin")
    with pytest.raises(AuthenticationError):
        place.sessions.read(kept)
    with pytest.raises(AuthenticationError):
        place.sign_in.prove("ann", GOOD)
    assert place.sign_in.prove("ann", BETTER)


def test_ones_own_password_needs_the_present_one(place):
    with pytest.raises(ForbiddenError):
        place.accounts.change_own_password("ann", False, BETTER)
    place.accounts.change_own_password("ann", True, BETTER)
    assert place.sign_in.prove("ann", BETTER)


def test_there_is_no_account_of_a_name_that_nobody_has(place):
    for act in (
        lambda: place.accounts.change("bob", role="viewer", by="admin"),
        lambda: place.accounts.set_password("bob", BETTER, by="admin"),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert place.accounts.has("bob") is False
    assert place.accounts.has("ann") is True


def test_while_the_database_is_away_it_is_said_and_not_mistaken_for_a_wrong_password(place):
    place.database.fail_all()
    with pytest.raises(DatabaseError) as told:
        place.sign_in.prove("ann", GOOD)
    assert told.value.retry_after


def test_a_hash_of_an_older_cost_is_made_again_at_the_next_sign_in(place):
    old = Passwords(Cost(2, 8, 1)).hash(GOOD)
    is_ann = [{"column": "id", "value": "ann"}]
    place.database.execute_query("accounts", "update", filters=is_ann, data={"password_hash": old})
    place.sign_in.prove("ann", GOOD)
    stored = rows(place.database.execute_query("accounts", "select", filters=is_ann))[0]["password_hash"]
    assert "t=1" in stored


def test_the_audit_log_is_read_by_pages_and_filters(place):
    for number in range(5):
        place.clock.advance(1)
        place.accounts.add(f"user{number}", "viewer", GOOD, by="root" if number % 2 else "admin")
    first = place.trail.page({"limit": 4})
    rest = place.trail.page({"limit": 4, "cursor": first["next_cursor"]})
    assert [entry["target"] for entry in first["entries"] + rest["entries"]] == [
        "user4", "user3", "user2", "user1", "user0", "ann",
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    assert {entry["user_id"] for entry in place.trail.page({"user_id": "root"})["entries"]} == {"root"}
    with pytest.raises(ValidationError):
        place.trail.page({"cursor": "nonsense"})
