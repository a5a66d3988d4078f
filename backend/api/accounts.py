"""Accounts, for administrators: list, add, role, disable, password."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.accounts.service import AccountService
from backend.schemas.accounts import (
    AccountCreateSchema,
    AccountPatchSchema,
    AccountSchema,
    AccountsSchema,
    PasswordSchema,
)
from backend.security.door import access


def blueprint(accounts: AccountService) -> Blueprint:
    """Return the routes about accounts. What they take away from a person holds everywhere within seconds."""
    routes = Blueprint("accounts", __name__, url_prefix="/api/accounts", description="Who can sign in")

    @routes.route("", methods=["GET"])
    @routes.response(200, AccountsSchema)
    @access("administrator")
    def list_accounts() -> Response:
        """List all accounts."""
        return answer(accounts.list())

    @routes.route("", methods=["POST"])
    @routes.arguments(AccountCreateSchema())
    @routes.response(201, AccountSchema)
    @access("administrator")
    def add_account(body: dict[str, Any]) -> Response:
        """Make an account; without a password one is made and answered, this once."""
        made = accounts.add(body["name"], body["role"], body.get("password"), by=g.principal.user_id)
        return answer(made, 201)

    @routes.route("/<string:account>", methods=["PATCH"])
    @routes.arguments(AccountPatchSchema())
    @routes.response(200, AccountSchema)
    @access("administrator")
    def change_account(body: dict[str, Any], account: str) -> Response:
        """Give an account another role, disable it or make it active again."""
        return answer(accounts.change(account, **body, by=g.principal.user_id))

    @routes.route("/<string:account>/password", methods=["POST"])
    @routes.arguments(PasswordSchema())
    @routes.response(200, AccountSchema)
    @access("administrator")
    def set_password(body: dict[str, Any], account: str) -> Response:
        """Set a password; everything the person has signed in with ends."""
        return answer(accounts.set_password(account, body.get("password"), by=g.principal.user_id))

    return routes
