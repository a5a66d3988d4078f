"""What only Supabase has: the person's own token, and a network in between."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from backend import runtime
from backend.errors import AuthenticationError, DatabaseError, ForbiddenError, NetworkError, ValidationError
from backend.storage.database import count, rows
from backend.storage.supabase import SupabaseDatabase
from tests.support.stopwatch import stopwatch
from tests.support.supabase_lite import SupabaseLite
from tests.support.tcp_proxy import TcpProxy, http_answer

pytestmark = pytest.mark.node

ADA, EVE, ROOT = (str(uuid.UUID(int=number)) for number in (1, 2, 3))


@pytest.fixture
def served(supabase_lite: SupabaseLite) -> SupabaseLite:
    return supabase_lite


@pytest.fixture
def server(served: SupabaseLite) -> Iterator[SupabaseDatabase]:
    """The database as the server itself sees it."""
    served.empty()
    made = SupabaseDatabase(served.url, served.key)
    yield made
    made.close()


@pytest.fixture
def ada(server: SupabaseDatabase, served: SupabaseLite) -> SupabaseDatabase:
    return server.as_user(served.token(ADA))


@pytest.fixture
def proxy(served: SupabaseLite) -> Iterator[TcpProxy]:
    made = TcpProxy(served.port)
    yield made
    made.stop()


@pytest.fixture
def behind(server: SupabaseDatabase, served: SupabaseLite, proxy: TcpProxy) -> Iterator[SupabaseDatabase]:
    """The database through the proxy, with short patience."""
    client = httpx.Client(timeout=0.5)
    made = SupabaseDatabase(f"http://127.0.0.1:{proxy.port}", served.key, client=client, timeout=1.0)
    yield made
    made.close()


def experiment(owner: str, **changes: Any) -> dict[str, Any]:
    row = {
        "id": str(uuid.uuid4()),
        "user_id": owner,
        "name": "x",
        "experiment_type": "benchmark",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    return row | changes


def put(database: SupabaseDatabase, *owners: str) -> list[dict[str, Any]]:
    return rows(database.execute_query("experiments", "insert", data=[experiment(owner) for owner in owners]))


def test_with_their_token_people_see_their_own_rows(server: SupabaseDatabase, ada: SupabaseDatabase) -> None:
    """Whatever the filters say; counts too."""
    put(server, ADA, ADA, EVE)
    found = rows(ada.execute_query("experiments", "select"))
    assert [row["user_id"] for row in found] == [ADA, ADA]
    assert count(ada.execute_query("experiments", "count")) == 2
    assert count(ada.execute_query("experiments", "count", columns="status")) == 2
    assert rows(ada.execute_query("experiments", "select", filters=[{"column": "user_id", "value": EVE}])) == []


def test_with_their_token_people_change_their_own_rows(server: SupabaseDatabase, ada: SupabaseDatabase) -> None:
    """Not others', not into others', not by handing theirs over."""
    mine, hers = put(server, ADA, EVE)
    for victim, expected in ((mine, ["new"]), (hers, [])):
        filters = [{"column": "id", "value": victim["id"]}]
        changed = rows(ada.execute_query("experiments", "update", filters=filters, data={"name": "new"}))
        assert [row["name"] for row in changed] == expected
    with pytest.raises(ForbiddenError):
        put(ada, EVE)
    filters = [{"column": "id", "value": mine["id"]}]
    given_away = ada.execute_query("experiments", "update", filters=filters, data={"user_id": EVE})
    assert given_away.get("code") == "forbidden"
    assert rows(ada.execute_query("experiments", "delete", filters=[{"column": "id", "value": hers["id"]}])) == []


def test_an_administrator_sees_all_experiments(server: SupabaseDatabase, served: SupabaseLite) -> None:
    """By the role in app_metadata, which only the server can set."""
    put(server, ADA, EVE)
    root = server.as_user(served.token(ROOT, role="administrator"))
    assert count(root.execute_query("experiments", "count")) == 2


def test_nobody_writes_into_the_conversations_of_others(server: SupabaseDatabase, ada: SupabaseDatabase) -> None:
    """Although the foreign key would allow it."""
    times = {"created_at": "2026-01-01", "updated_at": "2026-01-01"}
    talks = {owner: {"id": str(uuid.uuid4()), "user_id": owner} | times for owner in (ADA, EVE)}
    rows(server.execute_query("conversations", "insert", data=list(talks.values())))
    said = {"user_id": ADA, "role": "user", "content": "hi", "created_at": "2026-01-01"}
    for owner, allowed in ((ADA, True), (EVE, False)):
        message = said | {"id": str(uuid.uuid4()), "conversation_id": talks[owner]["id"]}
        result = ada.execute_query("messages", "insert", data=message)
        assert (result["success"], result.get("code")) == ((True, None) if allowed else (False, "forbidden"))


def test_the_audit_log_is_the_servers(server: SupabaseDatabase, ada: SupabaseDatabase, served: SupabaseLite) -> None:
    """People cannot write it, and only administrators read it."""
    entry = {"id": str(uuid.uuid4()), "user_id": ADA, "action": "reset", "created_at": "2026-01-01"}
    rows(server.execute_query("audit_log", "insert", data=entry))
    with pytest.raises(ForbiddenError):
        rows(ada.execute_query("audit_log", "insert", data=entry | {"id": str(uuid.uuid4())}))
    assert rows(ada.execute_query("audit_log", "select")) == []
    root = server.as_user(served.token(ROOT, role="administrator"))
    assert len(rows(root.execute_query("audit_log", "select"))) == 1


@pytest.mark.parametrize("token", ["expired", "nonsense"])
def test_a_token_that_does_not_hold_is_an_authentication_error(
    server: SupabaseDatabase, served: SupabaseLite, token: str
) -> None:
    """Nothing is read with the server's own rights instead, and no breaker counts it."""
    put(server, ADA)
    somebody = server.as_user(served.token(ADA, expires_in=-60) if token == "expired" else "not.a.token")
    with pytest.raises(AuthenticationError) as caught:
        rows(somebody.execute_query("experiments", "select"))
    assert caught.value.counts_as_failure is False


def test_queries_of_several_people_at_once_do_not_mix(server: SupabaseDatabase, served: SupabaseLite) -> None:
    """The token belongs to the query, not to the shared connections."""
    put(server, ADA, EVE)
    seen: list[bool] = []

    def ask(owner: str) -> None:
        found = rows(server.as_user(served.token(owner)).execute_query("experiments", "select"))
        seen.append([row["user_id"] for row in found] == [owner])

    tasks = [runtime.spawn(ask, owner) for owner in (ADA, EVE) * 10]
    assert all(task.wait(30) for task in tasks)
    assert seen == [True] * 20


def test_the_token_may_come_from_whoever_asks_now(server: SupabaseDatabase, served: SupabaseLite) -> None:
    """A function, asked for each query."""
    put(server, ADA, EVE)
    tokens: list[str | None] = [served.token(EVE), None]
    database = SupabaseDatabase(served.url, served.key, token=lambda: tokens[0])
    assert count(database.execute_query("experiments", "count")) == 1
    tokens.pop(0)
    assert count(database.execute_query("experiments", "count")) == 2
    database.close()


def test_more_rows_than_one_answer_holds_come_in_pages(server: SupabaseDatabase) -> None:
    """None is left out silently."""
    put(server, *[ADA] * 1203)
    order = [{"column": "id"}]
    found = rows(server.execute_query("experiments", "select", columns="id", order=order))
    assert len({row["id"] for row in found}) == 1203
    assert len(rows(server.execute_query("experiments", "select", columns="id", order=order, limit=1100))) == 1100
    part = rows(server.execute_query("experiments", "select", columns="id", order=order, limit=1100, offset=1000))
    assert part == found[1000:]
    counted = server.execute_query("experiments", "count", columns="user_id,id")
    assert (count(counted), len(rows(counted))) == (1203, 1203)


def test_an_id_that_is_none_is_the_callers_fault(server: SupabaseDatabase) -> None:
    """PostgreSQL's own check of the type."""
    with pytest.raises(ValidationError):
        rows(server.execute_query("experiments", "select", filters=[{"column": "id", "value": "nonsense"}]))


class Fault(NamedTuple):
    """What the proxy does, and what the answer must count as."""

    mode: str
    error: type[Exception]
    answer: bytes = b""


def answered(error: type[Exception], status: str, body: bytes, kind: str = "application/json") -> Fault:
    return Fault("answer", error, http_answer(status, body, kind))


FAULTS = {
    "hangs": Fault("hang", NetworkError),
    "is reset in the middle of the body": Fault("cut", NetworkError),
    "drips": Fault("drip", NetworkError),
    "says nothing": Fault("answer", NetworkError),
    "speaks another protocol": Fault("answer", NetworkError, b"SSH-2.0-OpenSSH\r\n"),
    "500": answered(DatabaseError, "500 Internal Server Error", b'{"code":"XX000","message":"boom"}'),
    "no connection of its own": answered(DatabaseError, "503 Unavailable", b'{"code":"PGRST000","message":"no pool"}'),
    "statement timeout": answered(DatabaseError, "500 Error", b'{"code":"57014","message":"canceling"}'),
    "502 in HTML": answered(DatabaseError, "502 Bad Gateway", b"<html><b>bad gateway</b></html>", "text/html"),
    "200 in HTML": answered(DatabaseError, "200 OK", b"<html>sign in to the wifi</html>", "text/html"),
    "half of the JSON": answered(DatabaseError, "200 OK", b'[{"id":"1","na'),
    "an object": answered(DatabaseError, "200 OK", b'{"id":"1"}'),
    "no rows": answered(DatabaseError, "200 OK", b"[1, 2]"),
    "a redirect": answered(DatabaseError, "302 Found\r\nLocation: http://127.0.0.1:1/", b"[]"),
    "401": answered(AuthenticationError, "401 Unauthorized", b'{"code":"PGRST303","message":"JWT expired"}'),
}


@pytest.mark.parametrize("operation", ["select", "insert", "count"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_each_fault_of_the_network_is_told_in_time_and_once(
    behind: SupabaseDatabase, proxy: TcpProxy, operation: Any, fault: Fault
) -> None:
    """No retry of the library's own, no longer than the adapter's patience; afterwards it works again."""
    proxy.mode, proxy.answer = fault.mode, fault.answer
    data = experiment(ADA) if operation == "insert" else None
    with stopwatch() as took:
        result = behind.execute_query("experiments", operation, data=data)
    assert took() < 4  # the library itself would go on for 7 s
    assert result["success"] is False
    with pytest.raises(fault.error):
        rows(result)
    assert proxy.requests == 1
    proxy.mode = "pass"
    assert behind.execute_query("experiments", "select", limit=1)["success"] is True


def test_a_refused_connection_is_told_at_once(behind: SupabaseDatabase, proxy: TcpProxy) -> None:
    """And is a fault of the network."""
    proxy.stop()
    with stopwatch() as took, pytest.raises(NetworkError):
        rows(behind.execute_query("experiments", "select"))
    assert took() < 4
