"""Accounts in Jupiter's own database, with argon2 hashes; an account's id is its name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from backend.dashboard.accounts.store import Account, checked_name, checked_role, no_such
from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.security.passwords import Passwords
from backend.storage.database import Database, Row, rows

Rows = list[Row]  # in the class, `list` is the store's
_SHOWN = "id, role, status, created_at, updated_at, signed_in_at"

logger = logging.getLogger("jupiter.security")


class LocalAccounts:
    """An AccountStore in the table accounts, which also tells whether a password fits.

    Args:
        database: where the table is.
        guard: calls it.
        passwords: hashes and checks.
    """

    kind = "local"

    def __init__(self, database: Database, guard: Guard, passwords: Passwords, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._guard = guard
        self._passwords = passwords
        self._clock = clock

    def list(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        return [_account(row) for row in self._query("select", columns=_SHOWN, order=[{"column": "id"}])]

    def get(self, identity: str) -> Account:
        """Return one account by its name."""
        return _account(self._row(identity, _SHOWN))

    def add(self, name: str, role: str, password: str) -> Account:
        """Make an account; see AccountStore."""
        now = self._clock.now()
        row = {
            "id": checked_name(name),
            "role": checked_role(role),
            "status": "active",
            "password_hash": self._passwords.hash(password),
            "created_at": now,
            "updated_at": now,
        }
        return _account(self._query("insert", data=row)[0])

    def set_role(self, identity: str, role: str) -> Account:
        """Give an account another role."""
        return self._change(identity, {"role": checked_role(role)})

    def set_status(self, identity: str, status: str) -> Account:
        """Disable an account, or make it active again."""
        return self._change(identity, {"status": status})

    def set_password(self, identity: str, password: str) -> Account:
        """Give an account another password."""
        self.get(identity)
        return self._change(identity, {"password_hash": self._passwords.hash(password)})

    def proved(self, name: str, password: str) -> Account | None:
        """Return the active account whose name and password these are; None, after the same time, where there is none.

        Raises:
            DatabaseError: accounts cannot be read at the moment.
            BulkheadFullError: too many are signing in.
        """
        found = self._find(name, "id, role, status, password_hash")
        stored = str(found["password_hash"]) if found else None
        if not self._passwords.fits(password, stored) or found is None or found["status"] != "active":
            return None
        self._note_sign_in(found["id"], password, stored or "")
        return _account(found)

    def _note_sign_in(self, identity: str, password: str, stored: str) -> None:
        changes: Row = {"signed_in_at": self._clock.now()}
        if self._passwords.is_old(stored):
            changes["password_hash"] = self._passwords.hash(password)
        try:
            self._query("update", filters=_is(identity), data=changes)
        except DashboardError as error:
            logger.info("⚠️ When %s signed in is not noted: %s", identity, error)

    def _change(self, identity: str, changes: Row) -> Account:
        changed = self._query(
            "update", filters=_is(_folded(identity)), data={**changes, "updated_at": self._clock.now()}
        )
        if not changed:
            raise no_such(identity)
        return _account(changed[0])

    def _row(self, identity: str, columns: str) -> Row:
        found = self._find(identity, columns)
        if found is None:
            raise no_such(identity)
        return found

    def _find(self, name: str, columns: str) -> Row | None:
        found = self._query("select", columns=columns, filters=_is(_folded(name)), limit=1)
        return found[0] if found else None

    def _query(self, operation: Any, **asked: Any) -> Rows:
        found: Rows = self._guard.call(lambda: rows(self._database.execute_query("accounts", operation, **asked)))
        return found


def _account(row: Row) -> Account:
    times = {name: row.get(name) for name in ("created_at", "updated_at", "signed_in_at")}
    return Account(row["id"], row["id"], row["role"], row["status"], **times)


def _is(identity: str) -> list[dict[str, Any]]:
    return [{"column": "id", "value": identity}]


def _folded(name: str) -> str:
    """A name as it would be kept, without judging it: what nobody can have is simply not found."""
    return name.strip().casefold()[:256].encode("utf-8", "replace").decode()
