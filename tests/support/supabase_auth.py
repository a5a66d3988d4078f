"""Supabase Auth's protocol with its administration, which `@supabase/lite` does not have: one project in memory.

The same object answers in a test's own process (`transport()`) and over real HTTP (`serve()`).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

KEY = "sb_secret_of_these_tests"
PASSWORD = "correct horse battery"
Answer = tuple[int, Any]


class FakeAuth:
    """A project's accounts and keys.

    Args:
        lifetime: seconds that an access token is good for.
        algorithm: ES256 or RS256, of the first key.
        secret: sign with it (HS256) and publish no keys, as older projects do.
        key: the project's secret key.
    """

    def __init__(
        self,
        *,
        lifetime: float = 3600.0,
        algorithm: str = "ES256",
        secret: str | None = None,
        key: str = KEY,
        now: Any = time.time,
    ) -> None:
        self.lifetime = lifetime
        self.key = key
        self.now = now
        self.users: dict[str, dict[str, Any]] = {}
        self.passwords: dict[str, str] = {}
        self.refresh: dict[str, tuple[str, str]] = {}  # token -> user, session
        self.keys: dict[str, tuple[str, Any]] = {}
        self.published: list[str] = []
        self.calls: list[str] = []
        self.broken: Answer | None = None
        self.rest_is_broken = False
        self.signing = "shared"
        if secret is None:
            self.rotate(algorithm)
        else:
            self.keys["shared"] = ("HS256", secret)

    def rotate(self, algorithm: str = "ES256", *, withdraw: bool = False) -> str:
        """Sign with a new key from now on; the old ones stay published unless they are withdrawn."""
        kid = uuid.uuid4().hex
        made: Any = ec.generate_private_key(ec.SECP256R1())
        if algorithm == "RS256":
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys[kid] = (algorithm, made)
        self.published = [kid] if withdraw else [*self.published, kid]
        self.signing = kid
        return kid

    def add(self, email: str, role: str | None = None, password: str = PASSWORD) -> str:
        """Make an account and return its id."""
        identity = str(uuid.uuid4())
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now()))
        self.users[identity] = {
            "id": identity,
            "email": email,
            "app_metadata": {"provider": "email", **({"role": role} if role else {})},
            "created_at": now,
            "updated_at": now,
        }
        self.passwords[identity] = password
        return identity

    def access(self, identity: str, *, session: str = "s", **changes: Any) -> str:
        """Return an access token; `changes` to its claims, None takes one away."""
        kid = self.signing
        algorithm, key = self.keys[kid]
        now = self.now()
        claims = {
            "sub": identity,
            "aud": "authenticated",
            "role": "authenticated",
            "iat": int(now),
            "exp": int(now) + self.lifetime,
            "session_id": session,
            "email": self.users.get(identity, {}).get("email"),
            "app_metadata": self.users.get(identity, {}).get("app_metadata", {}),
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": kid})

    def public(self, kid: str) -> dict[str, Any]:
        """Return a key as it is published."""
        algorithm, key = self.keys[kid]
        maker = ECAlgorithm if algorithm == "ES256" else RSAAlgorithm
        return {**maker.to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": algorithm, "use": "sig"}

    def transport(self) -> httpx.MockTransport:
        """Return a transport that answers in this process."""

        def handle(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content or b"{}")
            status, answer = self.answer(request.method, request.url.raw_path.decode(), body, dict(request.headers))
            return httpx.Response(status, json=answer) if answer is not None else httpx.Response(status)

        return httpx.MockTransport(handle)

    @contextmanager
    def serve(self, rest: str | None = None) -> Iterator[str]:
        """Answer over HTTP; gives the project's address. What is for /rest/v1 is passed on to the server at `rest`."""
        fake = self
        client = httpx.Client(base_url=rest or "", trust_env=False, timeout=30)
        under_way: list[object] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # no handler waits on a connection that its client has left

            def handle_one(self) -> None:
                given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if self.path.startswith("/rest/"):
                    self.pass_on(given, headers)
                    return
                status, answer = fake.answer(self.command, self.path, json.loads(given or b"{}"), headers)
                self.give(status, b"" if answer is None else json.dumps(answer).encode(), {})

            def pass_on(self, given: bytes, headers: dict[str, str]) -> None:
                if fake.rest_is_broken:
                    self.give(503, b"<html>no rest</html>", {})
                    return
                kept = {name: value for name, value in headers.items() if name not in ("host", "accept-encoding")}
                under_way.append(self)
                try:
                    reply = client.request(self.command, self.path, content=given, headers=kept)
                finally:
                    under_way.remove(self)
                wanted = ("content-range", "content-type")
                self.give(reply.status_code, reply.content, {n: v for n, v in reply.headers.items() if n in wanted})

            def give(self, status: int, sent: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815 - the base class's names

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            ends = time.monotonic() + 30
            while under_way and time.monotonic() < ends:  # nobody may wait on a socket that is closed under them
                time.sleep(0.05)
            client.close()
            thread.join(10)

    def answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """Answer one request."""
        path = path.removeprefix("/auth/v1")
        self.calls.append(f"{method} {path}")
        if self.broken is not None:
            return self.broken
        if path == "/.well-known/jwks.json":
            return 200, {"keys": [self.public(kid) for kid in self.published]}
        if headers.get("apikey") != self.key:
            return 401, {"message": "Invalid API key"}
        if path.startswith("/admin/users"):
            return self._admin(method, path.removeprefix("/admin/users"), body)
        if path == "/token?grant_type=password":
            return self._sign_in(body)
        if path == "/token?grant_type=refresh_token":
            return self._renew(body)
        if path == "/logout?scope=local":
            claims = jwt.decode(headers["authorization"].split()[1], options={"verify_signature": False})
            self.end_session(claims["session_id"])
            return 204, None
        return 404, {"error_code": "not_found", "msg": path}

    def end_session(self, session: str) -> None:
        """Forget a session, as a sign-out elsewhere does."""
        self.refresh = {token: pair for token, pair in self.refresh.items() if pair[1] != session}

    def _sign_in(self, body: Any) -> Answer:
        found = next((one for one in self.users.values() if one["email"] == body.get("email")), None)
        if found is None or self.passwords[found["id"]] != body.get("password"):
            return 400, {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
        if found.get("banned_until"):
            return 400, {"code": 400, "error_code": "user_banned", "msg": "User is banned"}
        return 200, self._pair(found["id"], uuid.uuid4().hex)

    def _renew(self, body: Any) -> Answer:
        pair = self.refresh.pop(body.get("refresh_token"), None)
        if pair is None or self.users[pair[0]].get("banned_until"):
            return 400, {"code": 400, "error_code": "refresh_token_not_found", "msg": "Invalid Refresh Token"}
        return 200, self._pair(*pair)

    def _pair(self, identity: str, session: str) -> dict[str, Any]:
        refresh = uuid.uuid4().hex
        self.refresh[refresh] = (identity, session)
        access = self.access(identity, session=session, jti=uuid.uuid4().hex)
        return {"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": self.lifetime}

    def _admin(self, method: str, rest: str, body: Any) -> Answer:
        if method == "GET" and rest.startswith("?"):
            page = int(dict(part.split("=") for part in rest[1:].split("&"))["page"])
            return 200, {"users": list(self.users.values()) if page == 1 else []}
        if method == "POST":
            if any(one["email"] == body["email"] for one in self.users.values()):
                return 422, {"code": 422, "error_code": "email_exists", "msg": "Already registered"}
            return 200, self.users[self.add(body["email"], body["app_metadata"]["role"], body["password"])]
        user = self.users.get(rest.removeprefix("/"))
        if user is None:
            return 404, {"code": 404, "error_code": "user_not_found", "msg": "User not found"}
        if method == "PUT":
            self._change(user, body)
        return 200, user

    def _change(self, user: dict[str, Any], body: dict[str, Any]) -> None:
        user["app_metadata"] = {**user["app_metadata"], **body.get("app_metadata", {})}
        if "ban_duration" in body:
            user["banned_until"] = None if body["ban_duration"] == "none" else "2126-01-01T00:00:00Z"
        if "password" in body:
            self.passwords[user["id"]] = body["password"]
