"""What every database adapter does alike."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.errors import ConflictError, ValidationError
from backend.storage.database import Database, count, rows
from backend.storage.outbox.database import OutboxDatabase
from backend.storage.outbox.outbox import Outbox
from backend.storage.sqlite import SqliteDatabase
from backend.storage.supabase import SupabaseDatabase


@pytest.fixture(params=["sqlite", "outbox", pytest.param("supabase", marks=pytest.mark.node)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each adapter in turn, with empty tables."""
    made: Database
    if request.param == "sqlite":
        made = SqliteDatabase(tmp_path / "data" / "jupiter.db")
    elif request.param == "outbox":
        made = OutboxDatabase(SqliteDatabase(tmp_path / "data" / "jupiter.db"), Outbox(tmp_path / "data" / "outbox.db"))
    else:
        served = request.getfixturevalue("supabase_lite")
        served.empty()
        made = SupabaseDatabase(served.url, served.key)
    yield made
    made.close()


def experiment(**changes: Any) -> dict[str, Any]:
    """A row as the use cases write it."""
    row = {
        "id": str(uuid.uuid4()),
        "user_id": "ada",
        "name": "Port scan",
        "description": "",
        "experiment_type": "security_scan",
        "status": "pending",
        "parameters": {"ports": [22, 443], "deep": {"on": True, "share": 0.5, "none": None}},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    return row | changes


def put(database: Database, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    return rows(database.execute_query("experiments", "insert", data=[experiment(**one) for one in changes]))


def names(database: Database, *filters: dict[str, Any], **more: Any) -> list[str]:
    order = more.pop("order", [{"column": "name"}])
    found = database.execute_query("experiments", "select", columns="name", filters=filters, order=order, **more)
    return [row["name"] for row in rows(found)]


def test_an_inserted_row_comes_back_whole(database: Database) -> None:
    """JSON stays JSON, timestamps are UTC, and the insert itself answers with the row."""
    row = experiment(name="Ünïcode ☄ 'quoted'; DROP TABLE experiments;--", created_at="2026-01-01T02:00:00.5+02:00")
    inserted = rows(database.execute_query("experiments", "insert", data=row))
    read = rows(database.execute_query("experiments", "select", filters=[{"column": "id", "value": row["id"]}]))
    assert inserted == read
    assert read[0]["name"] == row["name"]
    assert read[0]["parameters"] == row["parameters"]
    assert read[0]["created_at"].startswith("2026-01-01T00:00:00.5")
    assert read[0]["created_at"].endswith("+00:00")


def test_an_answer_says_how_long_it_took(database: Database) -> None:
    """Response time in seconds, no error text, success."""
    result = database.execute_query("experiments", "select", limit=1)
    assert result["success"] is True
    assert result["error"] is None
    assert 0 < result["response_time"] < 5


def test_a_second_row_with_the_same_id_is_a_conflict(database: Database) -> None:
    """The answer is unsuccessful and names the kind; `rows` raises what the doors understand."""
    row = experiment()
    rows(database.execute_query("experiments", "insert", data=row))
    again = database.execute_query("experiments", "insert", data=row)
    assert (again["success"], again["data"], again["code"]) == (False, [], "conflict")
    with pytest.raises(ConflictError):
        rows(again)


def test_a_missing_required_column_breaks_a_rule(database: Database) -> None:
    """Not a fault of the database: a ValidationError, which no breaker counts."""
    row = experiment()
    del row["name"]
    with pytest.raises(ValidationError):
        rows(database.execute_query("experiments", "insert", data=row))


def test_several_rows_are_inserted_all_or_none(database: Database) -> None:
    """One bad row in a list leaves the table as it was."""
    twice = experiment()
    result = database.execute_query("experiments", "insert", data=[experiment(), twice, twice])
    assert result["success"] is False
    assert count(database.execute_query("experiments", "count")) == 0


def test_upsert_inserts_and_then_changes_the_given_columns(database: Database) -> None:
    """By id; the same call twice leaves one row."""
    row = experiment()
    for name in ("first", "second"):
        written = rows(database.execute_query("experiments", "upsert", data=row | {"name": name}))
        assert written[0]["name"] == name
    assert count(database.execute_query("experiments", "count")) == 1


def test_update_changes_and_returns_the_rows_found(database: Database) -> None:
    """Only the rows that the filters find, only the columns given."""
    put(database, {"name": "a"}, {"name": "b"})
    changed = rows(
        database.execute_query(
            "experiments", "update", filters=[{"column": "name", "value": "a"}], data={"status": "running"}
        )
    )
    assert [(row["name"], row["status"]) for row in changed] == [("a", "running")]
    assert names(database, {"column": "status", "value": "pending"}) == ["b"]


def test_an_update_that_finds_nothing_succeeds_with_no_rows(database: Database) -> None:
    """The caller tells from the empty list."""
    filters = [{"column": "id", "value": str(uuid.uuid4())}]
    result = database.execute_query("experiments", "update", filters=filters, data={"status": "running"})
    assert (result["success"], result["data"]) == (True, [])


def test_delete_removes_and_returns_the_rows_found(database: Database) -> None:
    """The others stay."""
    put(database, {"name": "a"}, {"name": "b"})
    gone = rows(database.execute_query("experiments", "delete", filters=[{"column": "name", "value": "a"}]))
    assert [row["name"] for row in gone] == ["a"]
    assert names(database) == ["b"]


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("eq", "b", ["b"]),
        ("neq", "b", ["a", "c"]),
        ("lt", "b", ["a"]),
        ("lte", "b", ["a", "b"]),
        ("gt", "b", ["c"]),
        ("gte", "b", ["b", "c"]),
        ("in", ["a", "c", "x"], ["a", "c"]),
        ("in", [], []),
        ("like", "%b%", ["b"]),
        ("like", "B", []),
        ("ilike", "B", ["b"]),
    ],
)
def test_each_operator_finds_its_rows(database: Database, operator: str, value: Any, expected: list[str]) -> None:
    """The field's usual comparison operators."""
    put(database, {"name": "a"}, {"name": "b"}, {"name": "c"})
    assert names(database, {"column": "name", "operator": operator, "value": value}) == expected


@pytest.mark.parametrize(
    "text", ["100%", "a_b", "back\\slash", "st*r", "[x]", "wh?t", 'quo"te', "com,ma", "(paren)", "d.ot"]
)
@pytest.mark.parametrize("operator", ["eq", "in", "like", "ilike"])
def test_special_characters_in_values_mean_themselves(database: Database, text: str, operator: str) -> None:
    """Neither SQL's nor the protocol's own signs leak out of a value; in a pattern a backslash escapes."""
    put(database, {"name": text}, {"name": "other"}, {"name": "aXb"}, {"name": "100"})
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    value: Any = {"eq": text, "in": [text]}.get(operator, f"%{escaped}%")
    assert names(database, {"column": "name", "operator": operator, "value": value}) == [text]


def test_case_is_ignored_beyond_ascii(database: Database) -> None:
    """People search in their own language."""
    put(database, {"name": "Ärger im Büro"}, {"name": "Anger"})
    assert names(database, {"column": "name", "operator": "ilike", "value": "%ÄRGER%"}) == ["Ärger im Büro"]


def test_is_finds_null(database: Database) -> None:
    """Null equals nothing, so it has an operator of its own."""
    talk = {
        "id": str(uuid.uuid4()),
        "user_id": "ada",
        "title": "",
        "created_at": "2026-01-01",
        "updated_at": "2026-01-01",
    }
    rows(database.execute_query("conversations", "insert", data=talk))
    said = {
        "conversation_id": talk["id"],
        "user_id": "ada",
        "role": "user",
        "content": "hi",
        "created_at": "2026-01-01",
    }
    messages = [said | {"id": str(uuid.uuid4()), "client_message_id": key} for key in ("k", None, None)]
    rows(database.execute_query("messages", "insert", data=messages))
    null = [{"column": "client_message_id", "operator": "is", "value": None}]
    assert count(database.execute_query("messages", "count", filters=null)) == 2


def test_a_message_sent_twice_is_a_conflict(database: Database) -> None:
    """The same client_message_id of one user; another user's is another message."""
    talk = {
        "id": str(uuid.uuid4()),
        "user_id": "ada",
        "title": "",
        "created_at": "2026-01-01",
        "updated_at": "2026-01-01",
    }
    rows(database.execute_query("conversations", "insert", data=talk))
    said = {"conversation_id": talk["id"], "role": "user", "content": "hi", "created_at": "2026-01-01"}
    codes = []
    for user in ("ada", "ada", "bob"):
        row = said | {"id": str(uuid.uuid4()), "client_message_id": "k", "user_id": user}
        codes.append(database.execute_query("messages", "insert", data=row).get("code"))
    assert codes == [None, "conflict", None]


def test_any_of_joins_lists_of_filters(database: Database) -> None:
    """One of the lists must hold whole, together with the filters beside it."""
    put(database, {"name": "a"}, {"name": "b", "status": "failed"}, {"name": "b"}, {"name": "c"})
    either = {
        "any_of": [
            [{"column": "name", "value": "a"}],
            [{"column": "name", "value": "b"}, {"column": "status", "operator": "in", "value": ["failed"]}],
        ]
    }
    assert names(database, either) == ["a", "b"]
    assert names(database, either, {"column": "status", "value": "failed"}) == ["b"]


def test_order_limit_and_offset_cut_pages(database: Database) -> None:
    """The second column decides where the first is equal."""
    put(database, {"name": "a"}, {"name": "b", "status": "failed"}, {"name": "c"}, {"name": "d", "status": "failed"})
    order = [{"column": "status"}, {"column": "name", "descending": True}]
    assert names(database, order=order) == ["d", "b", "c", "a"]
    assert names(database, order=order, limit=2, offset=1) == ["b", "c"]
    assert names(database, order=order, offset=3) == ["a"]
    assert [names(database, order=order, offset=9, limit=limit) for limit in (None, 5, 2000)] == [[], [], []]
    assert names(database, limit=0) == []


def test_timestamps_compare_as_time_whatever_their_form(database: Database) -> None:
    """Offsets and fractions do not disturb the order."""
    put(
        database,
        {"name": "late", "created_at": "2026-01-01T00:00:00.25Z"},
        {"name": "early", "created_at": "2026-01-01T00:00:00"},
        {"name": "earliest", "created_at": "2026-01-01T00:30:00+01:00"},
    )
    since = {"column": "created_at", "operator": "gte", "value": "2025-12-31T19:00:00-05:00"}
    assert names(database, since, order=[{"column": "created_at"}]) == ["early", "late"]


def test_count_counts_without_rows(database: Database) -> None:
    """The number, and no data."""
    put(database, {}, {}, {"status": "failed"})
    result = database.execute_query("experiments", "count", filters=[{"column": "status", "value": "pending"}])
    assert (count(result), result["data"]) == (2, [])


def test_count_groups_in_the_database(database: Database) -> None:
    """One row a group, and their sum."""
    put(database, {}, {}, {"status": "failed"}, {"status": "failed", "experiment_type": "benchmark"})
    result = database.execute_query("experiments", "count", columns="experiment_type, status")
    groups = {(row["experiment_type"], row["status"]): row["count"] for row in rows(result)}
    assert groups == {("security_scan", "pending"): 2, ("security_scan", "failed"): 1, ("benchmark", "failed"): 1}
    assert count(result) == 4


@pytest.mark.parametrize(
    ("table", "operation", "more"),
    [
        ("users; DROP TABLE experiments", "select", {}),
        ("sqlite_master", "select", {}),
        ("experiments", "truncate", {}),
        ("experiments", "select", {"columns": "name, password"}),
        ("experiments", "select", {"filters": [{"column": "1=1 OR name", "value": "x"}]}),
        ("experiments", "select", {"filters": [{"column": "name", "value": "x", "operator": "= 1 OR"}]}),
        ("experiments", "select", {"filters": [{"column": "name"}]}),
        ("experiments", "select", {"filters": [{"any_of": []}]}),
        ("experiments", "select", {"filters": [{"any_of": [[]]}]}),
        ("experiments", "select", {"order": [{"column": "name; --"}]}),
        ("experiments", "select", {"limit": -1}),
        ("experiments", "select", {"limit": "5"}),
        ("experiments", "select", {"offset": -1}),
        ("experiments", "select", {"filters": [{"column": "created_at", "value": "yesterday"}]}),
        ("experiments", "insert", {"data": {"id": "1", "colour": "red"}}),
        ("experiments", "insert", {"data": {}}),
        ("experiments", "insert", {"data": {"name": {"not": "text"}}}),
        ("experiments", "insert", {"data": {"name": "lone surrogate \ud800"}}),
        ("experiments", "insert", {"data": {"parameters": {"x": object()}}}),
        ("experiments", "update", {"data": {"name": "x"}}),
        ("experiments", "delete", {}),
    ],
)
def test_what_the_schema_does_not_have_is_refused(
    database: Database, table: str, operation: Any, more: dict[str, Any]
) -> None:
    """Names and values are checked before anything reaches the database."""
    put(database, {"name": "kept"})
    with pytest.raises(ValidationError):
        database.execute_query(table, operation, **more)
    assert names(database) == ["kept"]


def test_after_close_answers_are_unsuccessful(database: Database) -> None:
    """A late request during shutdown gets an answer, not a traceback."""
    database.close()
    result = database.execute_query("experiments", "select")
    assert (result["success"], result["code"]) == (False, "unavailable")


def conversation(title: str, owner: str = "ada", **changes: Any) -> dict[str, Any]:
    """A row as the chat writes it."""
    at = "2026-01-01T00:00:00Z"
    return {"id": str(uuid.uuid4()), "user_id": owner, "title": title, "created_at": at, "updated_at": at} | changes


def message(of: dict[str, Any], content: str, **changes: Any) -> dict[str, Any]:
    """A message of a conversation."""
    row = {"id": str(uuid.uuid4()), "conversation_id": of["id"], "user_id": of["user_id"], "role": "user"}
    return row | {"content": content, "status": "complete", "created_at": "2026-01-01T00:00:00Z"} | changes


def searched(database: Database, words: str, *more: dict[str, Any]) -> list[str]:
    filters = [{"column": "content", "operator": "search", "value": words}, *more]
    return sorted(row["content"] for row in rows(database.execute_query("messages", "select", filters=filters)))


def with_messages(database: Database, *contents: str) -> list[dict[str, Any]]:
    talk = conversation("Talk")
    rows(database.execute_query("conversations", "insert", data=talk))
    made = [message(talk, content) for content in contents]
    rows(database.execute_query("messages", "insert", data=made))
    return made


TEXTS = (
    "Command injection in Acme",
    "CVE-2024-3400 is exploited",
    "Größe der Übertragung",
    "It's 100% O'Reilly \\ \"x\"",
)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("injection", [0]),
        ("INJECT acme", [0]),
        ("acme nowhere", []),
        ("CVE-2024-3400", [1]),
        ("cve-2024-34", [1]),
        ("CVE-2024-3401", []),
        ("übertr", [2]),
        ("o'reilly", [3]),
        ("100%", [3]),
    ],
)
def test_a_search_finds_all_its_words_by_their_beginnings(database: Database, words: str, found: list[int]) -> None:
    with_messages(database, *TEXTS)
    assert searched(database, words) == sorted(TEXTS[at] for at in found)


SIGNS = [
    "a'b:*|c",
    "a,b)",
    "f(x),or=(y)",
    'x" OR "1',
    "NEAR(a b)",
    "content: x",
    "a & ! b",
    "* a",
    "\\x",
    "a\\' | b",
    "-b",
    "a:b",
    "a'' & 'b",
]


@pytest.mark.parametrize("words", SIGNS)
def test_no_sign_in_a_search_is_one_of_the_query(database: Database, words: str) -> None:
    with_messages(database, "Nothing of the kind")
    assert searched(database, words) == []


@pytest.mark.parametrize("words", ['"', "'", "(", "* -", "", " "])
def test_a_search_needs_a_word(database: Database, words: str) -> None:
    with pytest.raises(ValidationError):
        searched(database, words)


def test_a_search_follows_changes_and_deletions(database: Database) -> None:
    first, second = with_messages(database, "alpha", "alpha too")
    by_id = [{"column": "id", "value": first["id"]}]
    rows(database.execute_query("messages", "update", filters=by_id, data={"content": "beta"}))
    rows(database.execute_query("messages", "upsert", data=first | {"content": "gamma"}))
    assert (searched(database, "beta"), searched(database, "gamma")) == ([], ["gamma"])
    rows(database.execute_query("messages", "delete", filters=[{"column": "id", "value": second["id"]}]))
    assert searched(database, "alpha") == []
    rows(database.execute_query("messages", "insert", data=second))
    assert searched(database, "alpha") == ["alpha too"]


def test_a_search_goes_with_other_filters_and_in_groups(database: Database) -> None:
    mine, other = conversation("Acme talk"), conversation("Acme secrets", "eve")
    rows(database.execute_query("conversations", "insert", data=[mine, other]))
    title = {"column": "title", "operator": "search", "value": "acme talk"}
    either = {"any_of": [[title], [{"column": "id", "operator": "in", "value": [str(uuid.uuid4())]}]]}
    filters = [{"column": "user_id", "value": "ada"}, either]
    found = rows(database.execute_query("conversations", "select", columns="title", filters=filters))
    assert found == [{"title": "Acme talk"}]


def test_deleting_a_conversation_takes_its_messages_out_of_the_search(database: Database) -> None:
    made = with_messages(database, "alpha")
    rows(
        database.execute_query(
            "conversations", "delete", filters=[{"column": "id", "value": made[0]["conversation_id"]}]
        )
    )
    assert searched(database, "alpha") == []


@pytest.mark.parametrize(("table", "column"), [("experiments", "name"), ("messages", "role"), ("messages", "none")])
def test_only_indexed_columns_can_be_searched(database: Database, table: str, column: str) -> None:
    with pytest.raises(ValidationError):
        database.execute_query(table, "select", filters=[{"column": column, "operator": "search", "value": "x"}])
