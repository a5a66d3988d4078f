"""Conditions as PostgREST's query strings, and its faults as codes."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ValidationError
from backend.storage.conditions import MAX_IN, conditions
from backend.storage.patterns import glob, regular_expression
from backend.storage.postgrest import parameters
from backend.storage.supabase_faults import failure


def spelled(*filters: dict[str, Any]) -> list[tuple[str, str]]:
    return parameters(conditions("experiments", filters))


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        ({"value": 'a,b."c"'}, ("name", 'eq.a,b."c"')),
        ({"value": ["a,b", 'c"d\\'], "operator": "in"}, ("name", 'in.("a,b","c\\"d\\\\")')),
        ({"value": ["a-1", "b_2", "null", ""], "operator": "in"}, ("name", 'in.(a-1,b_2,"null","")')),
        ({"value": None, "operator": "is"}, ("name", "is.null")),
        ({"value": "%a%", "operator": "ilike"}, ("name", "ilike.%a%")),
        ({"value": "%a*(b\\_%", "operator": "ilike"}, ("name", "imatch.^.*a\\*\\(b\\_.*$")),
    ],
)
def test_a_value_of_its_own_is_quoted_only_in_lists(one: dict[str, Any], expected: tuple[str, str]) -> None:
    """A parameter's value reaches to its end; a star would be a wildcard, so it becomes a regular expression."""
    assert spelled({"column": "name"} | one) == [expected]


def test_groups_are_nested_and_their_values_quoted() -> None:
    """Commas and parentheses in a value do not end it."""
    name = {"column": "name", "value": "a),b"}
    inner = {"any_of": [[name], [{"column": "status", "operator": "is", "value": None}]]}
    outer = {"any_of": [[name, {"column": "status", "operator": "in", "value": ["x", "y"]}], [inner]]}
    assert spelled(outer) == [
        ("or", '(and(name.eq."a),b",status.in.(x,y)),or(name.eq."a),b",status.is.null))'),
    ]


def test_the_longest_list_of_ids_fits_into_an_address() -> None:
    """Proxies, Supabase's own among them, take 8 KB (nginx, large_client_header_buffers); beyond that it is a 414."""
    ids = [str(uuid.uuid4()) for _ in range(MAX_IN)]
    listed = {"any_of": [[{"column": "name", "value": "x" * 200}], [{"column": "id", "operator": "in", "value": ids}]]}
    address = str(httpx.URL("http://x/rest/v1/experiments", params=httpx.QueryParams(spelled(listed))))
    assert len(address) < 7000
    with pytest.raises(ValidationError):
        spelled({"column": "id", "operator": "in", "value": [*ids, str(uuid.uuid4())]})


@given(
    st.text(st.sampled_from("a%_\\*?[]^$.()|+{}ü-"), max_size=8), st.text(st.sampled_from("a%_*?[]^$.ü-"), max_size=6)
)
def test_a_pattern_means_the_same_as_a_regular_expression_and_as_a_glob(pattern: str, text: str) -> None:
    """Against a plain reading of LIKE."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        return
    plain = "".join(
        re.escape(part[1]) if part.startswith("\\") else {"%": ".*", "_": "."}.get(part, re.escape(part))
        for part in re.findall(r"\\.|.", pattern)
    )
    expected = re.fullmatch(plain, text) is not None
    assert (re.search(regular_expression(pattern), text) is not None) == expected
    as_expression = re.sub(r"\[(.)\]|(\*)|(\?)|(.)", _from_glob, glob(pattern))
    assert (re.fullmatch(as_expression, text) is not None) == expected


def _from_glob(found: re.Match[str]) -> str:
    escaped, many, one, other = found.groups()
    if many or one:
        return ".*" if many else "."
    return re.escape(escaped or other)


class Told(Exception):
    """As postgrest's APIError."""

    def __init__(self, code: str) -> None:
        super().__init__("text")
        self.code = code
        self.message = "text"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Told("23505"), "conflict"),
        (Told("23502"), "constraint"),
        (Told("22P02"), "constraint"),
        (Told("PGRST102"), "constraint"),
        (Told("42501"), "forbidden"),
        (Told("PGRST303"), "unauthenticated"),
        (Told("401"), "unauthenticated"),
        (Told("PGRST205"), "unavailable"),
        (Told("PGRST123"), "unavailable"),
        (Told("57014"), "unavailable"),
        (Told("502"), "unavailable"),
        (Told("220"), "unavailable"),
        (httpx.ConnectError("refused"), "unreachable"),
        (httpx.ReadTimeout("slow"), "unreachable"),
        (TimeoutError("late"), "unreachable"),
        (ValueError("not JSON"), "unavailable"),
    ],
)
def test_each_fault_has_its_code(error: Exception, code: str) -> None:
    """Who is at fault decides whether a breaker counts it."""
    result = failure(error, 0.5)
    assert (result["success"], result["code"], result["response_time"]) == (False, code, 0.5)


def test_an_error_page_is_cut() -> None:
    """The log does not get a whole page."""
    assert len(failure(ValueError("x" * 10_000), 0.0)["error"] or "") == 300
