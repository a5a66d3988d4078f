"""Supabase Auth's protocol against a real implementation, a network that fails, and keys that are rotated over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from backend.errors import (
    AuthenticationError,
    DeadlineExceededError,
    ForbiddenError,
    NetworkError,
    UpstreamRejectedError,
)
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.resilience.testing import FakeClock
from backend.security.access_tokens import AccessTokens
from backend.security.published_keys import COOLDOWN, PublishedKeys
from backend.security.supabase_auth import SupabaseAuth
from backend.storage.supabase import new_client
from tests.support.stopwatch import stopwatch
from tests.support.supabase_auth import PASSWORD, FakeAuth
from tests.support.supabase_lite import JWT_SECRET, SupabaseLite
from tests.support.tcp_proxy import TcpProxy, http_answer

EMAIL = "ann@example.org"


def make_auth(url: str, key: str, *, timeout: float = 10.0) -> SupabaseAuth:
    policy = Policy(attempts=1, timeout=timeout, failure_threshold=10**6)
    guard = Guards().add("supabase_auth", feature="dashboard_data", policy=policy)
    return SupabaseAuth(url, key, client=new_client(timeout=timeout), guard=guard)


@pytest.fixture(scope="module")
def lite(supabase_lite: SupabaseLite) -> SupabaseLite:
    """The server, with one account."""
    body = {"email": EMAIL, "password": PASSWORD}
    made = httpx.post(
        f"{supabase_lite.url}/auth/v1/signup", json=body, headers={"apikey": supabase_lite.key}, timeout=30
    )
    assert made.is_success, made.text
    return supabase_lite


@pytest.fixture
def auth(lite: SupabaseLite) -> SupabaseAuth:
    return make_auth(lite.url, lite.key)


@pytest.mark.node
class TestRealProtocol:
    """What `@supabase/lite` answers, as we read it."""

    def test_signing_in_renewing_and_signing_out(self, auth: SupabaseAuth) -> None:
        """A refresh token is good once, and none after the sign-out."""
        first = auth.sign_in(EMAIL, PASSWORD)
        second = auth.renew(first.refresh)
        assert second.refresh != first.refresh
        auth.sign_out(second.access)
        with pytest.raises(AuthenticationError):
            auth.renew(second.refresh)

    def test_its_tokens_are_checked_with_the_shared_secret(self, auth: SupabaseAuth) -> None:
        """They are good; this server just puts no roles into them, so nobody comes in."""
        grant = auth.sign_in(EMAIL, PASSWORD)
        tokens = AccessTokens(PublishedKeys(auth.keys_address, auth.keys), JWT_SECRET)
        with pytest.raises(ForbiddenError, match="no role"):
            tokens.authenticate(grant.access)
        with pytest.raises(AuthenticationError, match="not taken"):
            AccessTokens(PublishedKeys(auth.keys_address, auth.keys)).authenticate(grant.access)

    @pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong"), ("nobody@example.org", PASSWORD)])
    def test_a_wrong_password_and_a_stranger_are_the_same(self, auth: SupabaseAuth, email: str, password: str) -> None:
        """An authentication error, which counts against nobody's health."""
        with pytest.raises(AuthenticationError) as told:
            auth.sign_in(email, password)
        assert told.value.counts_as_failure is False

    def test_a_wrong_key_of_ours_is_no_wrong_password(self, lite: SupabaseLite) -> None:
        """The administrator has to do something, not the person."""
        with pytest.raises(UpstreamRejectedError):
            make_auth(lite.url, "sb_secret_wrong").sign_in(EMAIL, PASSWORD)


class Fault(NamedTuple):
    """What the proxy does, and what the answer must count as."""

    mode: str
    error: type[Exception] | tuple[type[Exception], ...] = NetworkError
    answer: bytes = b""


LATE = (NetworkError, DeadlineExceededError)  # the client's own patience, or the guard's
FAULTS = {
    "hangs": Fault("hang", LATE),
    "is reset in the middle of the body": Fault("cut"),
    "drips": Fault("drip", LATE),
    "says nothing": Fault("answer"),
    "speaks another protocol": Fault("answer", answer=b"SSH-2.0-OpenSSH\r\n"),
    "500": Fault("answer", answer=http_answer("500 Internal Server Error", b'{"code":500,"msg":"boom"}')),
    "502 in HTML": Fault("answer", answer=http_answer("502 Bad Gateway", b"<html><b>bad</b></html>", "text/html")),
    "garbage": Fault("answer", answer=http_answer("200 OK", b'{"access_token":"x","refr')),
    "200 in HTML": Fault("answer", answer=http_answer("200 OK", b"<html>sign in to the wifi</html>", "text/html")),
    "a redirect": Fault("answer", answer=http_answer("302 Found\r\nLocation: http://127.0.0.1:1/", b"")),
    "401 of a gateway": Fault(
        "answer", UpstreamRejectedError, http_answer("401 Unauthorized", b'{"message":"Invalid API key"}')
    ),
    "401 on expiry": Fault(
        "answer", AuthenticationError, http_answer("401 Unauthorized", b'{"error_code":"session_expired"}')
    ),
}


@pytest.fixture
def proxy(lite: SupabaseLite) -> Iterator[TcpProxy]:
    made = TcpProxy(lite.port)
    yield made
    made.stop()


@pytest.mark.node
@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_each_fault_of_the_network_is_told_in_time_and_once(
    lite: SupabaseLite, auth: SupabaseAuth, proxy: TcpProxy, fault: Fault
) -> None:
    """Signing in and renewing; nothing is asked twice, and afterwards it works again."""
    behind = make_auth(f"http://127.0.0.1:{proxy.port}", lite.key, timeout=1.0)
    lost, refresh = (auth.sign_in(EMAIL, PASSWORD).refresh for _ in range(2))
    for ask in (lambda: behind.sign_in(EMAIL, PASSWORD), lambda: behind.renew(lost)):
        proxy.mode, proxy.answer, proxy.requests = fault.mode, fault.answer, 0
        with stopwatch() as took, pytest.raises(fault.error):
            ask()
        assert took() < 4
        assert proxy.requests == 1
    proxy.mode = "pass"
    patient = make_auth(f"http://127.0.0.1:{proxy.port}", lite.key, timeout=30.0)
    assert patient.sign_in(EMAIL, PASSWORD).access
    assert patient.renew(refresh).access


@pytest.mark.node
def test_a_refused_connection_is_told_at_once(lite: SupabaseLite, proxy: TcpProxy) -> None:
    """And is a fault of the network."""
    behind = make_auth(f"http://127.0.0.1:{proxy.port}", lite.key, timeout=1.0)
    proxy.stop()
    with stopwatch() as took, pytest.raises(NetworkError):
        behind.sign_in(EMAIL, PASSWORD)
    assert took() < 4


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_keys_over_http_are_rotated_without_anybody_being_signed_out(algorithm: str) -> None:
    """The new key is fetched when it is first met, the old one holds while it is published."""
    clock = FakeClock()
    project = FakeAuth(algorithm=algorithm, now=lambda: clock.now().timestamp())
    ann = project.add(EMAIL, "analyst")
    with project.serve() as url:
        auth = make_auth(url, project.key)
        tokens = AccessTokens(PublishedKeys(auth.keys_address, auth.keys, clock=clock), clock=clock)
        old = project.access(ann)
        assert tokens.authenticate(old).role == "analyst"
        project.rotate("ES256" if algorithm == "RS256" else "RS256")
        clock.advance(COOLDOWN + 1)
        assert tokens.authenticate(project.access(ann)).role == "analyst"
        assert tokens.authenticate(old).role == "analyst"
        assert project.calls.count("GET /.well-known/jwks.json") == 2
        assert tokens.authenticate(auth.sign_in(EMAIL, PASSWORD).access).user_id == ann
