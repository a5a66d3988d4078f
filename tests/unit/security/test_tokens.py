"""Tokens prove who somebody is, in a role, until a time."""

import jwt
import pytest

from backend.errors import AuthenticationError, ForbiddenError
from backend.resilience.testing import FakeClock
from backend.security.tokens import Tokens

SECRET = "a secret of the tests that is long enough"
ADMIN = "administrators-token"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def tokens(clock):
    return Tokens(SECRET, ADMIN, clock=clock)


def test_the_administrators_token_never_expires(tokens):
    principal = tokens.authenticate(ADMIN)
    assert (principal.role, principal.expires_at) == ("administrator", None)


def test_an_issued_token_gives_user_and_role_until_it_expires(tokens, clock):
    token = tokens.issue("ann", "analyst", 60)
    principal = tokens.authenticate(token)
    assert (principal.user_id, principal.role) == ("ann", "analyst")
    clock.advance(59)
    tokens.authenticate(token)
    clock.advance(1)
    with pytest.raises(AuthenticationError, match="expired"):
        tokens.authenticate(token)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", ADMIN + "x", "x" * 5000, "tökén"])
def test_anything_else_is_refused(tokens, token):
    with pytest.raises(AuthenticationError):
        tokens.authenticate(token)


def test_a_token_signed_with_another_key_or_with_none_is_refused(tokens, clock):
    foreign = Tokens("another secret that is long enough too", ADMIN, clock=clock)
    with pytest.raises(AuthenticationError):
        tokens.authenticate(foreign.issue("mallory", "administrator", 60))
    claims = {"iss": "jupiter", "aud": "jupiter", "sub": "m", "role": "administrator", "exp": 9e9, "jti": "1"}
    with pytest.raises(AuthenticationError):
        tokens.authenticate(jwt.encode(claims, "", algorithm="none"))


def test_a_token_without_an_end_or_with_an_unknown_role_is_refused(tokens):
    claims = {"iss": "jupiter", "aud": "jupiter", "sub": "m", "role": "viewer", "jti": "1", "iat": 0}
    with pytest.raises(AuthenticationError):
        tokens.authenticate(jwt.encode(claims, SECRET, algorithm="HS256"))
    with pytest.raises(AuthenticationError):
        tokens.authenticate(jwt.encode({**claims, "exp": 9e9, "role": "root"}, SECRET, algorithm="HS256"))


def test_a_token_that_was_good_is_checked_again_with_each_use(tokens, clock):
    """Its signature once, its end always."""
    token = tokens.issue("ann", "analyst", 60)
    assert tokens.authenticate(token) == tokens.authenticate(token)
    with pytest.raises(AuthenticationError):
        tokens.authenticate(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))
    clock.advance(60)
    with pytest.raises(AuthenticationError):
        tokens.authenticate(token)


@pytest.mark.parametrize(("user", "role"), [("ann", "root"), (" ", "viewer")])
def test_a_token_that_makes_no_sense_is_not_issued(tokens, user, role):
    with pytest.raises(ValueError, match=r"role|name"):
        tokens.issue(user, role, 60)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_token_without_an_end_is_not_issued(tokens, seconds):
    with pytest.raises(ValueError, match="needs an end"):
        tokens.issue("ann", "viewer", seconds)


def test_roles_include_those_below(tokens, clock):
    analyst = tokens.authenticate(tokens.issue("ann", "analyst", 60))
    now = clock.now().timestamp()
    analyst.check("viewer", now)
    analyst.check("analyst", now)
    with pytest.raises(ForbiddenError):
        analyst.check("administrator", now)
    with pytest.raises(AuthenticationError):
        analyst.check("viewer", now + 61)
