"""Coming in and going out: the sign-in page, one's own account, sign-out."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, session, url_for

from backend.dashboard.accounts.service import AccountService
from backend.dashboard.accounts.sign_in import SignIn
from backend.errors import AuthenticationError, DashboardError, ForbiddenError, RateLimitedError
from backend.security.door import access
from backend.security.passwords import LONGEST, SHORTEST
from backend.security.sessions import Sessions

NOT_VALID = "This token is not valid, or has expired. The link printed at the start always works."

_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")

logger = logging.getLogger("jupiter.pages")


def blueprint(sessions: Sessions, sign_in: SignIn, accounts: AccountService) -> Blueprint:
    """Return the pages."""
    pages = Blueprint("sign_in", __name__)
    entrance, own = Entrance(sessions, sign_in, accounts), OwnAccount(sessions, sign_in, accounts)

    @pages.route("/login", methods=["GET"])
    @access("public", limit="logins")
    def login_form() -> Response:
        token = request.args.get("token")
        if token and _is_from_another_site():  # which may want somebody to go on under an account that is not theirs
            return entrance.form(token=token)
        return entrance.with_token(token) if token else entrance.form()

    @pages.route("/login", methods=["POST"])
    @access("public", limit="logins")
    def login() -> Response:
        _refuse_other_sites()
        if "name" in request.form:
            return entrance.with_password(request.form["name"], request.form.get("password", ""))
        return entrance.with_token(request.form.get("token", ""))

    @pages.route("/logout", methods=["POST"])
    @access("viewer")
    def logout() -> Response:
        sessions.close(session)
        return _to("/login")

    @pages.route("/account", methods=["GET"])
    @access("viewer")
    def account() -> Response:
        return own.page()

    @pages.route("/account", methods=["POST"])
    @access("viewer", limit="logins")
    def change_password() -> Response:
        return own.change(*(request.form.get(name, "") for name in ("present", "chosen", "again")))

    return pages


@dataclass(frozen=True)
class Entrance:
    """The sign-in page and what it is sent."""

    sessions: Sessions
    sign_in: SignIn
    accounts: AccountService

    def form(self, status: int = 200, *, wait: int | None = None, **shown: Any) -> Response:
        """Return the page, with what went wrong where something did."""
        page = render_template(
            "login.html",
            **{"token_error": None, "error": None, "name": "", "token": "", **shown},
            kind=self.sign_in.kind,
            has_accounts=self.accounts.any(),
            next=local_address(request.values.get("next")),
        )
        return Response(page, status, {"Retry-After": str(wait)} if wait else {})

    def with_token(self, token: str) -> Response:
        """Let the owner of a token in."""
        try:
            self.sessions.open(session, token.strip())
        except AuthenticationError:
            return self.form(401, token_error=NOT_VALID)
        return _come_in()

    def with_password(self, name: str, password: str) -> Response:
        """Let somebody in by name and password."""
        try:
            proved = self.sign_in.prove(name, password)
        except DashboardError as error:
            logger.info("⚠️ Not signed in: %s", error, extra={"params": {"address": request.remote_addr}})
            wait = math.ceil(error.retry_after) if error.retry_after else None
            return self.form(error.status, error=_told(error, wait), wait=wait, name=name[:LONGEST])
        self.sessions.enter(session, proved.person, session_id=proved.session_id)
        return _come_in()


@dataclass(frozen=True)
class OwnAccount:
    """One's own account: who one is, and one's password where it is kept here."""

    sessions: Sessions
    sign_in: SignIn
    accounts: AccountService

    def page(self, status: int = 200, **shown: Any) -> Response:
        """Return the page."""
        person = g.principal
        changeable = self.sign_in.kind == "local" and person.by_cookie and self.accounts.has(person.user_id)
        told = {"error": None, "done": False, **shown}
        return Response(render_template("account.html", **told, changeable=changeable, shortest=SHORTEST), status)

    def change(self, present: str, chosen: str, again: str) -> Response:
        """Change the password; this sign-in goes on under a new session, all others end."""
        if chosen != again:
            return self.page(422, error="The two new passwords are not the same.")
        person = g.principal.user_id
        try:
            self.accounts.change_own_password(person, self._proves(person, present), chosen)
            proved = self.sign_in.prove(person, chosen)
        except DashboardError as error:
            return self.page(error.status, error=_told(error, None))
        g.principal = self.sessions.enter(session, proved.person, session_id=proved.session_id)
        session.permanent = True
        return self.page(done=True)

    def _proves(self, person: str, password: str) -> bool:
        """Whether this is the person's password.

        Raises:
            RateLimitedError: it was tried too often.
        """
        try:
            return self.sign_in.prove(person, password).person.user_id == person
        except AuthenticationError:
            return False


def to_sign_in() -> Response:
    """Send a person who follows a link to the sign-in page, and back afterwards."""
    wanted = local_address(request.full_path.rstrip("?"))
    return _to(url_for("sign_in.login_form", next=wanted) if wanted != "/" else url_for("sign_in.login_form"))


def _come_in() -> Response:
    session.permanent = True
    logger.info("✅ Signed in", extra={"user": session["user"]})
    return _to(local_address(request.values.get("next")))


def _is_from_another_site() -> bool:
    """Whether the browser says that it was another site that sent it here."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")


def _refuse_other_sites() -> None:
    """Nobody is signed in by a form on another site: they would go on under an account that is not theirs."""
    if _is_from_another_site():
        raise ForbiddenError("a sign-in from another site", message="Open the sign-in page itself and try again.")


def _told(error: DashboardError, wait: int | None) -> str:
    if isinstance(error, AuthenticationError | ForbiddenError) or error.details:
        return error.message
    if isinstance(error, RateLimitedError):
        return f"Too many attempts on this account. Try again in {wait} s."
    return f"Signing in is not possible at the moment: {error.message} Try again in {wait or 30} s."


def local_address(address: str | None) -> str:
    """Return an address on this site; anything else becomes the dashboard (no open redirect).

    Judged as browsers read it (https://url.spec.whatwg.org), for which any two slashes or backslashes at the start
    begin the name of a host, however many follow; tabs and line ends are passed over.
    """
    given = address or "/"
    return given if _LOCAL.fullmatch(given) else "/"


def _to(address: str) -> Response:
    return redirect(address, 303)  # type: ignore[return-value]  # a werkzeug Response, which Flask takes as well
