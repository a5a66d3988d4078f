"""What was taken back holds from then on, for what was shown before."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.errors import AuthenticationError
from backend.security.principals import Principal
from backend.security.revocations import Revocation, Revocations

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def person(seconds=-60.0, role="analyst", session="s1", **more):
    return Principal("ann", role, session_id=session, issued_at=NOON.timestamp() + seconds, **more)


@pytest.fixture
def revocations():
    return Revocations()


def test_a_session_that_was_ended_is_void_and_others_are_not(revocations):
    revocations.add(Revocation("session", "s1", NOON))
    with pytest.raises(AuthenticationError, match="signed out"):
        revocations.check(person())
    revocations.check(person(session="s2"))


def test_everything_of_a_person_from_before_ends_and_what_comes_after_holds(revocations):
    revocations.add(Revocation("user", "ann", NOON, reason="disabled by root"))
    with pytest.raises(AuthenticationError, match="disabled by root"):
        revocations.check(person(-0.001))
    revocations.check(person(+0.001))
    revocations.check(Principal("bob", "viewer", issued_at=0))


def test_a_changed_role_holds_for_what_was_shown_before(revocations):
    revocations.add(Revocation("role", "ann", NOON, role="viewer"))
    assert revocations.in_role(person()).role == "viewer"
    assert revocations.in_role(person(+1)).role == "analyst"
    assert revocations.in_role(person(-60, role_at=NOON.timestamp() + 1)).role == "analyst"
    revocations.add(Revocation("role", "ann", NOON + timedelta(seconds=9), role="administrator"))
    assert revocations.in_role(person()).role == "administrator"


def test_another_role_of_a_person_lowers_a_token_made_for_less_and_never_raises_it(revocations):
    revocations.add(Revocation("role", "ann", NOON, role="administrator"))
    assert revocations.in_role(person(at_most=True)).role == "analyst"
    assert revocations.in_role(person()).role == "administrator"
    revocations.add(Revocation("role", "ann", NOON + timedelta(seconds=1), role="viewer"))
    assert revocations.in_role(person(at_most=True)).role == "viewer"


def test_a_changed_role_does_not_bring_back_what_was_ended(revocations):
    revocations.add(Revocation("user", "ann", NOON))
    revocations.add(Revocation("role", "ann", NOON + timedelta(seconds=9), role="viewer"))
    with pytest.raises(AuthenticationError):
        revocations.check(person())


def test_listeners_are_told_news_once_whatever_way_it_comes(revocations):
    told = []
    stop = revocations.subscribe(told.append)
    newer, older = (Revocation("user", "ann", NOON + timedelta(seconds=by)) for by in (1, 0))
    assert [revocations.add(one) for one in (newer, newer, older)] == [True, False, False]
    stop()
    revocations.add(Revocation("session", "s1", NOON))
    assert told == [newer]


@pytest.mark.parametrize("odd", [Revocation("role", "ann", NOON, role="root"), Revocation("else", "ann", NOON)])
def test_what_makes_no_sense_changes_nothing(revocations, odd):
    assert revocations.add(odd) is False
    assert revocations.in_role(person()) == person()


def test_what_can_matter_no_more_is_forgotten(revocations):
    revocations.add(Revocation("session", "s1", NOON, expires_at=NOON + timedelta(hours=1)))
    revocations.forget(NOON)
    assert revocations.has_session("s1")
    revocations.forget(NOON + timedelta(hours=2))
    assert not revocations.has_session("s1")
