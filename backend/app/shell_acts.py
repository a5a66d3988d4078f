"""What administrators do from the command line, noted in the audit log under the name of who sits at the shell."""

from __future__ import annotations

import getpass
from typing import Any

from backend.app.adapters import make_database
from backend.config import Settings
from backend.dashboard.audit.log import AuditLog
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy

PATIENCE_SECONDS = 5.0


def shell_user() -> str:
    """Return who acts, as the audit log names them."""
    try:
        return f"shell:{getpass.getuser()}"
    except (OSError, KeyError):  # a container without a name for its user
        return "shell:unknown"


def note_act(settings: Settings, action: str, target: str, **details: Any) -> None:
    """Note an act; where that fails the log has it."""
    database = make_database(settings)
    try:
        policy = Policy(attempts=1, timeout=PATIENCE_SECONDS)
        guard = Guards().add("accounts", feature="dashboard_data", policy=policy)
        AuditLog(database, guard).note(shell_user(), action, target, **details)
    finally:
        database.close()
