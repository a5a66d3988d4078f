"""Experiments at the door and in the table."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ValidationError
from backend.schemas.experiments import (
    EXPERIMENT_STATUSES,
    EXPERIMENT_TYPES,
    ExperimentCreateSchema,
    ExperimentPatchSchema,
    ExperimentQuerySchema,
    ExperimentRules,
    ExperimentSchema,
)
from backend.schemas.loading import load
from backend.schemas.rows import ExperimentRows
from tests.unit.schemas.strategies import json_values

TAG = re.compile(r"<[A-Za-z/!?]")
ROW = {
    "id": "3f2b8c1e-5a6d-4e7f-8a9b-0c1d2e3f4a5b",
    "user_id": "ada",
    "name": "Port scan",
    "description": "",
    "experiment_type": "security_scan",
    "status": "pending",
    "parameters": {},
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def test_a_short_body_is_filled_up() -> None:
    """Name and type are enough."""
    assert load(ExperimentCreateSchema(), {"name": " Scan ", "experiment_type": "benchmark"}) == {
        "name": "Scan",
        "description": "",
        "experiment_type": "benchmark",
        "status": "pending",
        "parameters": {},
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "<b></b>"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"description": "x" * 4001}, "description"),
        ({"experiment_type": "hacking"}, "experiment_type"),
        ({"experiment_type": ["benchmark"]}, "experiment_type"),
        ({"status": "paused"}, "status"),
        ({"parameters": []}, "parameters"),
        ({"id": ROW["id"]}, "id"),
        ({"user_id": "eve"}, "user_id"),
        ({"<script>alert(1)</script>colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    """Unknown ones too: nobody sets the owner or the id by hand."""
    with pytest.raises(ValidationError) as caught:
        load(ExperimentCreateSchema(), {"name": "a", "experiment_type": "benchmark"} | change)
    assert list(caught.value.details) == [field]


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    """With the same error as a wrong field."""
    with pytest.raises(ValidationError):
        load(ExperimentCreateSchema(), body)


def test_a_patch_holds_only_what_it_changes() -> None:
    """Defaults would overwrite."""
    assert load(ExperimentPatchSchema(), {"status": "running"}) == {"status": "running"}


def test_a_query_from_the_address_is_read() -> None:
    """Numbers arrive as text there."""
    query = load(ExperimentQuerySchema(), {"limit": "200", "type": "benchmark", "search": "<b>x</b>"})
    assert query == {"limit": 200, "type": "benchmark", "search": "x", "sort": "-created_at", "deleted": False}


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"sort": "colour"}, {"type": "x"}, {"page": "2"}])
def test_a_wrong_query_is_refused(query: dict[str, Any]) -> None:
    """Limits hold."""
    with pytest.raises(ValidationError):
        load(ExperimentQuerySchema(), query)


def test_types_and_statuses_are_configurable() -> None:
    """An installation may name its own."""
    rules = ExperimentRules(types=("drill",), statuses=("new", "done"))
    body = {"name": "a", "experiment_type": "drill", "status": "new"}
    assert load(ExperimentCreateSchema(rules=rules), body)["experiment_type"] == "drill"
    with pytest.raises(ValidationError):
        load(ExperimentCreateSchema(rules=rules), body | {"experiment_type": "benchmark"})
    with pytest.raises(ValidationError):
        load(ExperimentCreateSchema(), body)


def test_a_damaged_row_is_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """The others are shown; the log has each damaged one once, not at every reading."""
    damaged = [ROW | {"status": "paused"}, {"id": "x"}, None, ROW | {"parameters": '{"broken'}]
    rows = ExperimentRows()
    for _ in range(2):
        valid, invalid = rows.check([ROW, *damaged, ROW | {"colour": "red"}])
        assert ([row["name"] for row in valid], invalid) == (["Port scan", "Port scan"], 4)
        assert "colour" not in valid[1]
    told = [record.message for record in caplog.records]
    assert [text.split("left out: ")[1] for text in told] == [
        "status",
        "created_at, experiment_type, id, name, status",
        "_schema",
        "parameters",
    ]


columns = st.sampled_from(sorted(ROW))
near_rows = st.builds(lambda row, change: row | change, st.just(ROW), st.dictionaries(columns, json_values, max_size=3))


@given(st.one_of(json_values, near_rows))
def test_any_json_as_a_row_is_shown_clean_or_left_out(row: Any) -> None:
    """Never an error, never a tag."""
    valid, invalid = ExperimentRows().check([row])
    assert len(valid) + invalid == 1
    assert not TAG.search(json.dumps(valid, ensure_ascii=False))


@given(st.builds(lambda change: ROW | change, st.fixed_dictionaries({
    "experiment_type": st.sampled_from(EXPERIMENT_TYPES), "status": st.sampled_from(EXPERIMENT_STATUSES),
})))  # fmt: skip
def test_every_known_type_and_status_is_a_valid_row(row: dict[str, Any]) -> None:
    """What may be written may be read."""
    assert ExperimentSchema().load(row)["status"] == row["status"]
