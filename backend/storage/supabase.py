"""The database behind Supabase's REST interface (PostgREST); schema/postgres.sql makes its tables.

Every query builds its own light client over one shared pool of HTTP/1.1 connections: the headers, and with them the
person's token, belong to that query alone. The library's own retries are off: the guard retries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import httpx

from backend import runtime
from backend.errors import ValidationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage.conditions import check_page, conditions, names, sorting
from backend.storage.database import Filter, Operation, Order, QueryResult, Row
from backend.storage.postgrest import Parameter, parameters
from backend.storage.supabase_faults import NotRowsError, failure, faults
from backend.storage.tables import columns_of, kind_of
from backend.storage.values import checked, read

_PAGE = 1000  # rows; Supabase gives no more at once unless it is told otherwise
_FEW = 100  # rows; if there are fewer, they are not what a server's limit has left
_BEYOND_THE_END = "PGRST103"  # said of a range where the rows are to be counted too


def new_client(timeout: float = 5.0, connections: int = 32) -> httpx.Client:
    """Return a pool of HTTP/1.1 connections; `timeout` in seconds for connecting, sending and each read."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.Client(http1=True, http2=False, timeout=httpx.Timeout(timeout), limits=limits, follow_redirects=False)


class SupabaseDatabase:
    """A Database over Supabase.

    Args:
        url: of the project, SUPABASE_URL.
        key: the secret key, SUPABASE_KEY; it passes by row-level security, so it never leaves the server.
        token: returns the access token of whoever the query is for, None for the server itself. With a token,
            row-level security holds.
        owned: the tables whose rows belong to people; on all others the server acts for itself. None for all tables.
        client: see `new_client`.
        timeout: seconds for one operation altogether, also if its answer only trickles in.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        token: Callable[[], str | None] = lambda: None,
        owned: Collection[str] | None = None,
        client: httpx.Client | None = None,
        clock: Clock = SYSTEM_CLOCK,
        timeout: float = 8.0,
    ) -> None:
        self._url = f"{url.rstrip('/')}/rest/v1"
        self._key = key
        self._token = token
        self._owned = owned
        self._client = client if client is not None else new_client()
        self._clock = clock
        self._timeout = timeout
        self._closed = False

    def as_user(self, token: str) -> SupabaseDatabase:
        """Return the same database as the person sees it whose access token this is; it shares the connections."""
        url = self._url.removesuffix("/rest/v1")
        return SupabaseDatabase(
            url, self._key, token=lambda: token, client=self._client, clock=self._clock, timeout=self._timeout
        )

    def close(self) -> None:
        """Close the connections; later queries answer `success: False`."""
        self._closed = True
        self._client.close()

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
        """Do one operation; see `Database.execute_query`."""
        started = self._clock.monotonic()
        check_page(limit, offset)
        where = parameters(conditions(table, filters))
        run = self._prepared(
            table, operation, columns=columns, where=where, data=data, order=order, page=(limit, offset)
        )
        if self._closed or self._client.is_closed:
            return failure(httpx.HTTPError("the database is closed"), 0.0)
        try:
            found, total = runtime.call_with_timeout(self._timeout, run)
        except faults() as error:
            return failure(error, self._clock.monotonic() - started)
        known = columns_of(table)
        shown = [read(known, row) for row in found]
        result = QueryResult(success=True, data=shown, error=None, response_time=self._clock.monotonic() - started)
        if operation == "count":
            result["count"] = sum(row["count"] for row in found) if total is None else total
        return result

    def _prepared(
        self,
        table: str,
        operation: str,
        *,
        columns: str,
        where: list[Parameter],
        data: Row | Sequence[Row] | None,
        order: Sequence[Order],
        page: tuple[int | None, int],
    ) -> Callable[[], tuple[list[Row], int | None]]:
        """Check what is asked and return the function that asks it."""
        source = self._source(table)
        match operation:
            case "select":
                return lambda: (_all_pages(source, names(table, columns), where, sorting(table, order), page), None)
            case "count" if columns == "*":
                return lambda: _counted(source, where)
            case "count":
                groups = names(table, columns)
                return lambda: (_all_groups(source, groups, where), None)
            case "insert" | "upsert":
                rows = _rows(table, data, needs_id=operation == "upsert")
                write = source.insert if operation == "insert" else source.upsert
                return lambda: (_sent(write(rows, default_to_null=False)), None)
            case "update" if where and isinstance(data, dict) and data:
                row = _rows(table, data)[0]
                return lambda: (_sent(_with(source.update(row), where)), None)
            case "delete" if where:
                return lambda: (_sent(_with(source.delete(), where)), None)
            case "update" | "delete":
                raise ValidationError(f"{operation} needs filters, and update the columns to change")
        raise ValidationError(f"there is no operation {operation!r}")

    def _source(self, table: str) -> Any:
        from postgrest import SyncPostgrestClient  # noqa: PLC0415 - takes 0.2 s, and only who has Supabase needs it

        persons = self._token() if self._owned is None or table in self._owned else None
        # A secret key is no token; the gateway takes it as one where it equals the apikey.
        headers = {"apikey": self._key, "Authorization": f"Bearer {persons or self._key}"}
        client = SyncPostgrestClient(self._url, headers=headers, http_client=self._client, retry_enabled=False)
        return client.from_(table)


def _rows(table: str, data: Row | Sequence[Row] | None, *, needs_id: bool = False) -> list[Row]:
    given = [data] if isinstance(data, dict) else list(data or ())
    if not given or not all(given):
        raise ValidationError("a row needs at least one column")
    if needs_id and not all("id" in row for row in given):
        raise ValidationError("upsert needs the row's id")
    return [{name: checked(kind_of(table, name), name, value) for name, value in row.items()} for row in given]


def _with(query: Any, where: Sequence[Parameter]) -> Any:
    for name, value in where:
        query.request.params = query.request.params.add(name, value)
    return query


def _sent(query: Any) -> list[Row]:
    return _checked(query.execute().data)


def _checked(data: Any) -> list[Row]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise NotRowsError("the answer is not a list of rows")
    return data


def _counted(source: Any, where: Sequence[Parameter]) -> tuple[list[Row], int]:
    # Not HEAD: its errors have no body that would say what is wrong.
    answer = _with(source.select("id", count="exact").limit(0), where).execute()
    _checked(answer.data)
    if answer.count is None:
        raise NotRowsError("the answer has no count")
    return [], int(answer.count)


def _all_pages(
    source: Any,
    columns: Sequence[str],
    where: Sequence[Parameter],
    terms: Sequence[tuple[str, bool]],
    page: tuple[int | None, int],
) -> list[Row]:
    """Read page by page until nothing is left of what was asked for, however few rows the server gives at once."""
    limit, offset = page
    found: list[Row] = []
    while limit is None or len(found) < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        query = _with(source.select(*columns, count="exact" if limit is None or limit > _PAGE else None), where)
        for column, descending in terms:
            query = query.order(column, desc=descending)
        rows, total = _part(query, offset + len(found), size)
        found.extend(rows)
        at_end = len(rows) < size if total is None else offset + len(found) >= total
        if at_end or not rows:
            break
    return found


def _all_groups(source: Any, groups: Sequence[str], where: Sequence[Parameter]) -> list[Row]:
    """Count group by group, in their order, until nothing is left; how many groups there are PostgREST cannot tell."""
    found: list[Row] = []
    while True:
        query = _with(source.select(*groups, "count()"), where)
        for column in groups:
            query = query.order(column)
        rows, _ = _part(query, len(found), _PAGE)
        found.extend(rows)
        if len(rows) < _FEW:
            return found


def _part(query: Any, start: int, size: int) -> tuple[list[Row], int | None]:
    """Return the rows of a range, none if it begins beyond the end, and how many there are in all if that was asked."""
    from postgrest.exceptions import APIError  # noqa: PLC0415 - takes 0.2 s, and only who has Supabase needs it

    try:
        answer = query.range(start, start + size - 1).execute()
    except APIError as error:
        if error.code != _BEYOND_THE_END:
            raise
        return [], 0
    return _checked(answer.data), answer.count
