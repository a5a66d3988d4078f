"""The shared fields, each against what the outside may send."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given
from marshmallow import Schema, fields
from marshmallow import ValidationError as SchemaError

from backend.schemas import fields as module
from backend.schemas.fields import BoundedJson, CleanText, UtcTime, Uuid
from tests.unit.schemas.strategies import json_values, texts

TAG = re.compile(r"<[A-Za-z/!?]")
ID = "3f2b8c1e-5a6d-4e7f-8a9b-0c1d2e3f4a5b"


def load(field: fields.Field[Any], value: Any) -> Any:
    return Schema.from_dict({"it": field})().load({"it": value})["it"]


@pytest.mark.parametrize("spelling", [ID, ID.upper(), ID.replace("-", ""), "{" + ID + "}", uuid.UUID(ID)])
def test_a_uuid_is_read_in_its_usual_spellings(spelling: Any) -> None:
    """And always told in one."""
    assert load(Uuid(), spelling) == ID


@pytest.mark.parametrize("value", ["", "x", ID[:-1], 5, None, [], {}, ID + "0", b"\x00" * 16])
def test_what_is_no_uuid_is_refused(value: Any) -> None:
    """Whatever its type."""
    with pytest.raises(SchemaError):
        load(Uuid(), value)


def test_text_is_measured_after_cleaning() -> None:
    """Markup alone is no name; markup around a name costs no room."""
    assert load(CleanText(shortest=1, longest=5), "<b>12345</b>") == "12345"
    for value in ("<b></b>", "", "   ", "123456", "x" * 100_000):
        with pytest.raises(SchemaError):
            load(CleanText(shortest=1, longest=5), value)


def test_text_keeps_its_lines_only_where_asked() -> None:
    """A description has paragraphs, a name has not."""
    assert load(CleanText(longest=9), "a\nb") == "a b"
    assert load(CleanText(longest=9, lines=True), "a\nb") == "a\nb"


@given(json_values)
def test_any_json_as_text_is_loaded_clean_or_refused(value: Any) -> None:
    """Never another error, never a tag."""
    try:
        loaded = load(CleanText(longest=50), value)
    except SchemaError:
        return
    assert not TAG.search(loaded)


@given(json_values)
def test_any_json_as_a_time_is_loaded_or_refused(value: Any) -> None:
    """Never another error."""
    try:
        loaded = load(UtcTime(), value)
    except SchemaError:
        return
    assert loaded.endswith("+00:00")


@given(json_values)
def test_any_json_as_an_object_is_loaded_clean_or_refused(value: Any) -> None:
    """Never another error, never a tag in a name or a value, always JSON."""
    try:
        loaded = load(BoundedJson(), value)
    except SchemaError:
        return
    assert not TAG.search(json.dumps(loaded, ensure_ascii=False))
    assert orjson.loads(orjson.dumps(loaded)) == loaded


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def test_an_object_may_be_six_levels_deep() -> None:
    """The seventh is refused; so is what would end the interpreter's stack."""
    assert load(BoundedJson(), nested(6)) == nested(6)
    for levels in (7, 500):
        with pytest.raises(SchemaError):
            load(BoundedJson(), nested(levels))
    with pytest.raises(SchemaError):
        load(BoundedJson(), {"a": [[[[[[]]]]]]})


def test_an_object_may_be_sixteen_kilobytes_large() -> None:
    """As compact JSON in UTF-8."""
    fits = {"a": "x" * (16_384 - len(b'{"a":""}'))}
    assert load(BoundedJson(), fits) == fits
    for too_large in ({"a": fits["a"] + "x"}, {"a": "ü" * 8_190}):
        with pytest.raises(SchemaError):
            load(BoundedJson(), too_large)


@pytest.mark.parametrize(
    "value",
    [{"a": "<b></p>" * 3_000}, {"a": ["<b></p>" * 1_000] * 3}, {"<b></p>" * 3_000: 1}, {"a": {"b": ["<i>" * 6_000]}}],
)
def test_what_is_far_too_large_is_refused_without_being_cleaned(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body may have a quarter of a megabyte, a row of a file five: cleaning that takes seconds."""
    cleaned: list[str] = []
    monkeypatch.setattr(module, "plain_text", cleaned.append)
    monkeypatch.setattr(module, "single_line", cleaned.append)
    with pytest.raises(SchemaError, match="Larger"):
        load(BoundedJson(), value)
    assert cleaned == []


@pytest.mark.parametrize(
    "value",
    [
        [],
        "{}",
        None,
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": 2**64},
        {"a": {1}},
        {1: "a"},
        {"a": 1, "<b>a": 2},
    ],
)
def test_what_is_no_json_object_is_refused(value: Any) -> None:
    """Numbers that browsers cannot read, names that fall together."""
    with pytest.raises(SchemaError):
        load(BoundedJson(), value)


@given(texts)
def test_any_text_as_a_name_of_an_object_is_loaded_clean_or_refused(text: str) -> None:
    """Names are shown too."""
    assert not TAG.search("".join(load(BoundedJson(), {text: {text: text}})))
