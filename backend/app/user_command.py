"""`python run.py user ...`: accounts from the command line, on the same tables as the running servers.

What is taken from a person reaches the servers through the database, within a second or two.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from typing import Any

from backend.app.accounts import Accounts, make_accounts
from backend.app.adapters import make_database
from backend.app.security import make_security
from backend.app.shell_acts import shell_user
from backend.config import Settings
from backend.errors import DashboardError
from backend.resilience.guard import Guards

Tell = Callable[[str], None]


def run_user(
    settings: Settings,
    asked: argparse.Namespace,
    *,
    tell: Tell,
    password: Callable[[str], str] | None = None,
) -> int:
    """Do what was asked and return the exit status.

    Args:
        settings: say which database.
        asked: act, and with it name and role.
        tell: shows a line.
        password: asks for a new password; by default the terminal without echo, or else one line of the input.
    """
    database = make_database(settings)
    try:
        accounts = make_accounts(settings, Guards(), database, make_security(settings))
        _act(accounts, asked, tell, password or ask_password)
        if accounts.log.unwritten:
            tell("⚠️ The account is changed, but open pages were not told: the database did not take it. Try again.")
            return 1
    except DashboardError as error:
        tell(f"❌ {error.message if error.message != error.public_message else error}")
        return 1
    finally:
        database.close()
    return 0


def _act(accounts: Accounts, asked: argparse.Namespace, tell: Tell, password: Callable[[str], str]) -> None:
    service, by = accounts.service, shell_user()
    match asked.act:
        case "list":
            for line in _table(service.list()["accounts"]):
                tell(line)
        case "add":
            made = service.add(asked.name, asked.role, password(asked.name), by=by)
            tell(f"✅ {made['name']} can sign in as {made['role']}")
        case "passwd":
            service.set_password(asked.name, password(asked.name), by=by)
            tell(f"✅ The password of {asked.name} is set; all that was open has ended")
        case "role":
            changed = service.change(asked.name, role=asked.role, by=by)
            tell(f"✅ {changed['name']} is {changed['role']} now")
        case "disable" | "enable":
            status = "disabled" if asked.act == "disable" else "active"
            changed = service.change(asked.name, status=status, by=by)
            tell(f"✅ {changed['name']} is {changed['status']} now")


def ask_password(name: str) -> str:
    """Ask for a new password: twice and without echo on a terminal, else one line of the input.

    Raises:
        SystemExit: the two are not the same.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"New password for {name}: ")
    if first != getpass.getpass("Again: "):
        raise SystemExit("❌ The two passwords are not the same; nothing is changed")
    return first


def _table(accounts: list[dict[str, Any]]) -> list[str]:
    if not accounts:
        return ["Nobody has an account. Make one: python run.py user add ann --role analyst"]
    width = max(len(account["name"]) for account in accounts)
    return [
        f"{account['name']:<{width}}  {account['role'] or 'no role':<13}  {account['status']:<8}  "
        f"last signed in {(account['signed_in_at'] or 'never')[:19]}"
        for account in accounts
    ]
