"""The database with its outbox: writes that find it away are kept, and wait in line behind those that are kept already.

Who calls through the guard is served in two steps: the guard must see the failure, so that its breaker counts it, and
only then is the call made once more with the database taken for away. `OutboxGuard` does that; `Moment` says where we
are. A write without a guard is kept at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from backend.errors import DashboardError
from backend.storage.database import Database, Filter, Operation, Order, QueryResult, Row
from backend.storage.outbox.entries import Write, writes_of
from backend.storage.outbox.outbox import Outbox

logger = logging.getLogger("jupiter.data")

_AWAY = frozenset(("unavailable", "unreachable"))


class Moment:
    """What is known of the database at the moment: `error` is why it is away, None while the guard is asking it.

    It ends with the call, also for what the call has spawned: that inherits context variables.
    """

    def __init__(self, error: DashboardError | None) -> None:
        self.error = error
        self.over = False


_moment: ContextVar[Moment | None] = ContextVar("outbox_moment", default=None)


@contextmanager
def moment(error: DashboardError | None) -> Iterator[None]:
    """Let what runs inside be guarded (None), or find the database away because of `error`."""
    now = Moment(error)
    token = _moment.set(now)
    try:
        yield
    finally:
        now.over = True
        _moment.reset(token)


class OutboxDatabase:
    """A Database whose writes are not lost while it is away.

    Args:
        inner: the database.
        outbox: what waits for it.
    """

    def __init__(self, inner: Database, outbox: Outbox) -> None:
        self.inner = inner
        self.outbox = outbox

    def execute_query(
        self,
        table: str,
        operation: Operation,
        *,
        columns: str = "*",
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int | None = None,
        offset: int = 0,
        data: Row | Sequence[Row] | None = None,
    ) -> QueryResult:
        """Do one operation; see `Database.execute_query`. A write that is kept answers success and `queued`.

        Raises:
            DashboardError: the guard knows already that the database is away, and this cannot wait.
            OutboxFullError: no more can be kept.
        """
        now = _moment.get()
        now = None if now is None or now.over else now
        writes = writes_of(table, operation, filters, data)
        if now is not None and now.error is not None:
            if not writes:
                raise now.error
            return self._keep(writes)
        if writes and self._must_wait(writes):
            return self._keep(writes)
        result = self.inner.execute_query(
            table, operation, columns=columns, filters=filters, order=order, limit=limit, offset=offset, data=data
        )
        if result["success"] or not writes or now is not None or result.get("code", "unavailable") not in _AWAY:
            return result
        return self._keep(writes)

    def close(self) -> None:
        """Close both."""
        self.inner.close()
        self.outbox.close()

    def _must_wait(self, writes: Sequence[Write]) -> bool:
        try:
            return self.outbox.waits(writes)
        except DashboardError as error:
            logger.error("❌ %s", error)  # an outbox that is broken must not keep a healthy database from working
            return False

    def _keep(self, writes: Sequence[Write]) -> QueryResult:
        self.outbox.add(writes)
        logger.warning(
            "⚠️ Kept in the outbox: %s %s in %s",
            len(writes),
            "change" if len(writes) == 1 else "changes",
            writes[0].table,
        )
        shown = [write.row() for write in writes]
        return QueryResult(success=True, data=shown, error=None, response_time=0.0, queued=True)
