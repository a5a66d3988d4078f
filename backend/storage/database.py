"""What every database adapter does: one call for every operation, one shape of answer.

Adapters never raise for a fault of the database: they answer `success: False`, so that a caller without a guard
can go on. `rows` and `count` turn such an answer into the error that the guard and the doors understand. A wrong
table, column or operator is the caller's mistake and does raise: ValidationError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from backend.errors import (
    AuthenticationError,
    ConflictError,
    DashboardError,
    DatabaseError,
    ForbiddenError,
    NetworkError,
    ValidationError,
)

Operation = Literal["select", "insert", "update", "upsert", "delete", "count"]
FaultCode = Literal["conflict", "constraint", "unauthenticated", "forbidden", "unreachable", "unavailable"]
Row = dict[str, Any]

# These say nothing about the database's health; their texts reach the client, so they are not the database's own.
_ERRORS: Mapping[FaultCode, tuple[type[DashboardError], str]] = {
    "conflict": (ConflictError, "such a record exists already"),
    "constraint": (ValidationError, "the record breaks a rule of its table"),
    "unauthenticated": (AuthenticationError, "the database does not accept the token"),
    "forbidden": (ForbiddenError, "the database does not allow this"),
}

Filter = Mapping[str, Any]
"""`{"column", "value", "operator"?}`, all of which must hold, or `{"any_of": [[filter, ...], ...]}`: at least one of
the lists must hold whole. Operators: eq (default), neq, lt, lte, gt, gte, in (a list), like and ilike (`%` and `_`,
escaped by a backslash), is (null, true, false), search (words that must all occur, found by their beginnings; see
backend/storage/searches.py for what can be searched)."""

Order = Mapping[str, Any]
"""`{"column", "descending"?}`."""


class QueryResult(TypedDict):
    """The answer to every operation; `response_time` in seconds.

    `data` holds the rows selected, written or deleted. `count` is given by the operation count. `code` says what
    kind of fault it was: `conflict` (such a row exists), `constraint` (the row breaks a rule), `unauthenticated` (the
    person's token is not valid any more), `forbidden` (it does not allow this), `unreachable` (no answer over the
    network) or `unavailable`. `queued` is true where a write was taken into the outbox and is yet to be done.
    """

    success: bool
    data: list[Row]
    error: str | None
    response_time: float
    count: NotRequired[int]
    code: NotRequired[FaultCode]
    queued: NotRequired[bool]


class Database(Protocol):
    """A store of rows in named tables; see backend/storage/tables.py for what there is."""

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
        """Do one operation.

        Args:
            table: a known table's name.
            operation: select, insert, update, upsert (by id), delete or count.
            columns: names parted by commas, or `*`. With count: group by them; each row of the answer then holds
                the columns and `count`, and the answer's own `count` is the sum.
            filters: which rows; required for update and delete.
            order: which rows first.
            limit: at most so many rows.
            offset: rows to skip.
            data: the row or rows to insert or upsert, or the columns to update. JSON columns take and give plain
                values, timestamps take datetimes or ISO text and give ISO text in UTC.

        Raises:
            ValidationError: a name, operator or value that this table does not have.
        """
        ...

    def close(self) -> None:
        """Give back what is held open; answers after that are unsuccessful."""
        ...


def rows(result: QueryResult) -> list[Row]:
    """Return the rows of an answer.

    Raises:
        DatabaseError: the database could not do it.
        NetworkError: it did not answer.
        ConflictError: such a row exists already.
        ValidationError: the row breaks one of the table's rules.
        AuthenticationError: the person's token is not valid any more.
        ForbiddenError: the person may not do this.
    """
    if result["success"]:
        return result["data"]
    code = result.get("code", "unavailable")
    if code in _ERRORS:
        error, text = _ERRORS[code]
        raise error(text)
    error = NetworkError if code == "unreachable" else DatabaseError
    raise error(result["error"] or "the database gave no reason")


def count(result: QueryResult) -> int:
    """Return the number that the operation count found.

    Raises:
        DatabaseError: the database could not do it.
    """
    rows(result)
    return result.get("count", 0)
