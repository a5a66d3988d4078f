"""Sessions end when they expire, are signed out, or the administrator's token changes."""

import pytest

from backend.errors import AuthenticationError, ForbiddenError
from backend.resilience.testing import FakeClock
from backend.security.revocations import Revocation
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens

SECRET = "a secret of the tests that is long enough"
ADMIN = "administrators-token"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def tokens(clock):
    return Tokens(SECRET, ADMIN, clock=clock)


@pytest.fixture
def sessions(tokens, clock):
    return Sessions(tokens, 3600, clock=clock)


def test_a_session_is_opened_with_a_token_and_read_from_its_cookie(sessions):
    kept = {"left": "over"}
    sessions.open(kept, ADMIN)
    principal = sessions.read(kept)
    assert (principal.user_id, principal.role, principal.by_cookie) == ("admin", "administrator", True)
    assert "left" not in kept


def test_no_session_is_opened_with_a_wrong_token(sessions):
    kept = {}
    with pytest.raises(AuthenticationError):
        sessions.open(kept, "wrong")
    assert kept == {}


def test_a_session_ends_by_itself_and_never_after_its_token(sessions, tokens, clock):
    kept, short = {}, {}
    sessions.open(kept, ADMIN)
    sessions.open(short, tokens.issue("ann", "viewer", 60))
    clock.advance(61)
    sessions.read(kept)
    with pytest.raises(AuthenticationError, match="expired"):
        sessions.read(short)
    clock.advance(3600)
    with pytest.raises(AuthenticationError, match="expired"):
        sessions.read(kept)


def test_signing_out_voids_copies_of_the_cookie_and_tells_the_sockets(sessions):
    kept, told = {}, []
    sessions.subscribe(told.append)
    principal = sessions.open(kept, ADMIN)
    stolen = dict(kept)
    sessions.close(kept)
    assert [(one.kind, one.subject) for one in told] == [("session", principal.session_id)]
    assert sessions.is_closed(principal.session_id)
    with pytest.raises(AuthenticationError):
        sessions.read(stolen)


def test_a_changed_administrators_token_ends_the_administrators_sessions(sessions, clock):
    kept = {}
    sessions.open(kept, ADMIN)
    later = Sessions(Tokens(SECRET, "another-token-now", clock=clock), 3600, clock=clock)
    with pytest.raises(AuthenticationError, match="changed"):
        later.read(kept)


@pytest.mark.parametrize("given", [None, "", "wrong"])
def test_a_change_without_our_pages_token_is_refused(sessions, given):
    kept = {}
    sessions.open(kept, ADMIN)
    with pytest.raises(ForbiddenError):
        sessions.check_csrf(kept, given)
    sessions.check_csrf(kept, kept["csrf"])


def test_an_empty_session_has_no_valid_csrf_token(sessions):
    with pytest.raises(ForbiddenError):
        sessions.check_csrf({}, "")


def test_a_session_is_no_younger_than_the_token_that_opened_it(sessions, tokens, clock):
    """What another process has taken back a moment ago is only known here after the next look."""
    token = tokens.issue("ann", "analyst", 3600)
    clock.advance(5)
    taken_back = Revocation("user", "ann", clock.now(), reason="disabled elsewhere")
    clock.advance(0.5)
    kept = {}
    sessions.open(kept, token)
    sessions.revocations.add(taken_back)
    with pytest.raises(AuthenticationError, match="disabled elsewhere"):
        sessions.read(kept)


def test_a_program_with_a_token_for_reading_does_not_rise_with_its_owner(sessions, tokens, clock):
    token, kept = tokens.issue("ann", "viewer", 3600), {}
    sessions.open(kept, token)
    clock.advance(1)
    sessions.change_role("ann", "administrator", reason="promoted")
    assert sessions.current(tokens.authenticate(token)).role == "viewer"
    assert sessions.read(kept).role == "viewer"
