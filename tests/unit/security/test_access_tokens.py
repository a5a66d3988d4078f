"""Supabase's access tokens are believed for what they are, never for what they claim."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from backend.errors import AuthenticationError, ForbiddenError, NetworkError
from backend.resilience.testing import FakeClock
from backend.security.access_tokens import AccessTokens
from backend.security.published_keys import COOLDOWN, LIFESPAN, PublishedKeys
from backend.security.tokens import Tokens
from tests.support.supabase_auth import FakeAuth

SECRET = "a shared secret of these tests that is long enough"


class Project:
    def __init__(self, algorithm="ES256", secret=None):
        self.clock = FakeClock()
        self.auth = FakeAuth(algorithm=algorithm, now=lambda: self.clock.now().timestamp())
        self.ann = self.auth.add("ann@example.org", "analyst")
        self.fetched = 0
        self.away = False
        keys = PublishedKeys("https://x.supabase.co/jwks", self.fetch, clock=self.clock, spawn=lambda run: run())
        self.tokens = AccessTokens(keys, secret, clock=self.clock)

    def fetch(self):
        self.fetched += 1
        if self.away:
            raise NetworkError("away")
        return self.auth.answer("GET", "/.well-known/jwks.json", {}, {})[1]

    def refused(self, token, match="."):
        with pytest.raises(AuthenticationError, match=match):
            self.tokens.authenticate(token)


@pytest.fixture(params=["ES256", "RS256"])
def project(request):
    return Project(request.param)


def hs256(claims, secret, **header):
    return jwt.encode(claims, secret, algorithm="HS256", headers=header or None)


def claims_of(project):
    return jwt.decode(project.auth.access(project.ann), options={"verify_signature": False})


def test_a_good_token_tells_who_in_which_role_until_when(project):
    token = project.auth.access(project.ann, session="session-1")
    person = project.tokens.authenticate(token)
    assert (person.user_id, person.role, person.name) == (project.ann, "analyst", "ann@example.org")
    assert person.session_id == "session-1"
    assert person.expires_at == project.clock.now().timestamp() + 3600
    assert person.access() == token
    assert token not in repr(person)


def test_keys_are_fetched_once(project):
    for _ in range(5):
        project.tokens.authenticate(project.auth.access(project.ann))
    assert project.fetched == 1


def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(project):
    old = project.auth.access(project.ann)
    project.tokens.authenticate(old)
    project.clock.advance(COOLDOWN + 1)
    project.auth.rotate("ES256")
    project.tokens.authenticate(project.auth.access(project.ann))
    project.tokens.authenticate(old)  # still published
    project.auth.rotate("RS256", withdraw=True)
    project.clock.advance(LIFESPAN + 1)
    project.tokens.authenticate(project.auth.access(project.ann))
    project.refused(old, "not published")


def test_invented_key_ids_do_not_make_us_fetch_again_and_again(project):
    project.tokens.authenticate(project.auth.access(project.ann))
    stranger = FakeAuth(now=lambda: project.clock.now().timestamp())
    for _ in range(20):
        stranger.rotate()
        project.refused(stranger.access(project.ann), "not published")
    assert project.fetched == 1


def test_keys_that_are_known_hold_while_the_service_is_away(project):
    project.tokens.authenticate(project.auth.access(project.ann))
    project.away = True
    project.clock.advance(LIFESPAN * 2)
    assert project.tokens.authenticate(project.auth.access(project.ann)).role == "analyst"


def test_while_no_key_is_known_yet_it_is_said_that_the_service_is_away(project):
    project.away = True
    with pytest.raises(NetworkError):
        project.tokens.authenticate(project.auth.access(project.ann))
    project.away = False
    project.tokens.authenticate(project.auth.access(project.ann))


@pytest.mark.parametrize("published", [None, [], {}, {"keys": []}, {"keys": [{"kty": "x"}]}, {"keys": "x"}, "<html>"])
def test_published_garbage_is_a_fault_of_the_service(published):
    keys = PublishedKeys("https://x.supabase.co/jwks", lambda: published)
    with pytest.raises(NetworkError):
        AccessTokens(keys).authenticate(FakeAuth().access("x"))


def test_an_expired_token_is_refused_to_the_second(project):
    token = project.auth.access(project.ann)
    project.clock.advance(3599)
    project.tokens.authenticate(token)
    project.clock.advance(1)
    project.refused(token, "expired")


@pytest.mark.parametrize("claim", ["exp", "sub", "aud"])
def test_a_token_without_one_of_the_claims_is_refused(project, claim):
    project.refused(project.auth.access(project.ann, **{claim: None}), claim)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "anon"},
        {"aud": ["other"]},
        {"exp": "soon"},
        {"exp": True},
        {"sub": ""},
        {"sub": 7},
        {"nbf": 9e9},
        {"nbf": "x"},
    ],
)
def test_a_claim_that_is_wrong_is_refused(project, changes):
    project.refused(project.auth.access(project.ann, **changes))


@pytest.mark.parametrize("metadata", [{}, {"role": "root"}, {"role": None}, "x", ["role"]])
def test_somebody_without_a_role_of_ours_is_told_so(project, metadata):
    with pytest.raises(ForbiddenError) as told:
        project.tokens.authenticate(project.auth.access(project.ann, app_metadata=metadata))
    assert "no role" in told.value.message


def test_a_role_that_people_can_write_themselves_counts_for_nothing(project):
    token = project.auth.access(project.ann, user_metadata={"role": "administrator"}, app_metadata={"role": "viewer"})
    assert project.tokens.authenticate(token).role == "viewer"


def test_a_forged_signature_is_refused(project):
    head, body, _ = project.auth.access(project.ann).split(".")
    other = project.auth.access(project.ann).split(".")[2]
    forged = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged["app_metadata"]["role"] = "administrator"
    body = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
    project.refused(f"{head}.{body}.{other}")
    project.refused(f"{head}.{body}.")
    foreign = FakeAuth(now=project.auth.now)
    foreign.published, foreign.signing = list(project.auth.published), project.auth.signing
    foreign.keys = {kid: foreign.keys[next(iter(foreign.keys))] for kid in foreign.published}
    project.refused(foreign.access(project.ann))  # the right key id, another key


@pytest.mark.parametrize("secret", [None, SECRET])
def test_no_algorithm_is_no_signature(secret):
    project = Project(secret=secret)
    for name in ("none", "None", "NONE", "nOnE"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": name, "kid": project.auth.published[0]}).encode())
        body = base64.urlsafe_b64encode(json.dumps(claims_of(project)).encode())
        for signature in ("", "AAAA"):
            project.refused(".".join((head.decode().rstrip("="), body.decode().rstrip("="), signature)))


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_published_key_is_no_shared_secret(project, secret):
    """The classic: HS256 over the public key, which everybody has."""
    confused = AccessTokens(project.tokens._keys, secret, clock=project.clock)
    kid = project.auth.published[0]
    public = project.auth.keys[kid][1].public_key()
    spellings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(project.auth.public(kid)).encode(),
    ]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims_of(project)).encode()).rstrip(b"=")
    for spelled in spellings:
        signature = base64.urlsafe_b64encode(hmac.new(spelled, head + b"." + body, hashlib.sha256).digest()).rstrip(
            b"="
        )
        with pytest.raises(AuthenticationError):
            confused.authenticate(b".".join((head, body, signature)).decode())


def test_a_shared_key_among_the_published_ones_is_not_taken():
    """Whoever can publish an oct key there could sign with it."""
    known = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    published = {"keys": [{"kty": "oct", "k": known, "kid": "1", "alg": "HS256", "use": "sig"}]}
    tokens = AccessTokens(PublishedKeys("https://x.supabase.co/jwks", lambda: published))
    claims = {"sub": "a", "aud": "authenticated", "exp": 9e9, "app_metadata": {"role": "administrator"}}
    with pytest.raises(AuthenticationError):
        tokens.authenticate(hs256(claims, "k" * 32, kid="1"))


def test_the_algorithm_must_be_that_of_the_key():
    project = Project("RS256")
    kid = project.auth.published[0]
    key = project.auth.keys[kid][1]
    for algorithm in ("RS512", "PS256"):
        project.refused(jwt.encode(claims_of(project), key, algorithm=algorithm, headers={"kid": kid}), "not taken")


def test_shared_secrets_only_count_where_one_is_set():
    with_secret, without = Project(secret=SECRET), Project()
    token = hs256(claims_of(with_secret), SECRET)
    assert with_secret.tokens.authenticate(token).role == "analyst"
    without.refused(token, "not taken")
    with_secret.refused(hs256(claims_of(with_secret), "another secret, also long enough for it"))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 10_000, "tökén", "..", "eyJhbGciOiJFUzI1NiJ9.e30.x"])
def test_what_is_no_token_is_refused(project, token):
    project.refused(token)


def test_both_kinds_of_token_come_in_by_one_door_and_are_not_mixed_up(project):
    own = Tokens("own secret of the tests, long enough", "administrators-token", others=project.tokens.authenticate)
    assert own.authenticate("administrators-token").role == "administrator"
    ours = Tokens("own secret of the tests, long enough", "administrators-token").issue("bob", "viewer", 60)
    assert own.authenticate(ours).user_id == "bob"
    assert own.authenticate(project.auth.access(project.ann)).user_id == project.ann
    for forged in (project.auth.access(project.ann, iss="jupiter"), hs256({**claims_of(project), "iss": "x"}, SECRET)):
        with pytest.raises(AuthenticationError):
            own.authenticate(forged)
