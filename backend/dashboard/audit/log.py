"""Who did what with this installation."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.storage.database import Database, rows

logger = logging.getLogger("jupiter.audit")


class AuditLog:
    """Notes administrative acts in the log and in the table audit_log.

    An act is never refused because it cannot be noted in the table: then the log has it, as an error.
    """

    def __init__(
        self,
        database: Database,
        guard: Guard,
        *,
        clock: Clock = SYSTEM_CLOCK,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._database = database
        self._guard = guard
        self._clock = clock
        self._new_id = new_id

    def note(self, user_id: str, action: str, target: str, **details: Any) -> None:
        """Note that `user_id` did `action` to `target`."""
        logger.info("📡 %s: %s %s", user_id, action, target, extra={"params": details})
        row = {
            "id": self._new_id(),
            "user_id": user_id,
            "action": action,
            "target": target,
            "details": details,
            "created_at": self._clock.now(),
        }
        try:
            self._guard.call(lambda: rows(self._database.execute_query("audit_log", "insert", data=row)))
        except DashboardError as error:
            logger.error("❌ Not noted in audit_log: %s %s %s (%s)", user_id, action, target, error)
