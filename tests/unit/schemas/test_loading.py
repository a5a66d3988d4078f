"""What an error tells of its input is clean, and no longer than worth reading."""

import re

from hypothesis import given

from backend.schemas.loading import clean_details
from tests.unit.schemas.strategies import json_values

TAG = re.compile(r"<[A-Za-z/!?]")


@given(json_values)
def test_no_details_leave_a_tag(details):
    assert not TAG.search(str(clean_details(details)))


def test_what_is_clean_stays_as_it_is():
    told = {
        "name": ["Missing data for required field."],
        "limit": ["Must be less than 5 < 6."],
        "_schema": None,
        "n": 3,
    }
    assert clean_details(told) == told
    assert clean_details("no feature 'x'") == "no feature 'x'"


def test_much_is_cut_short():
    told = clean_details({f"field {number} {'x' * 200}": ["y" * 5000] * 200 for number in range(300)})
    assert len(told) == 100
    assert {len(name) for name in told} == {80}
    assert {(len(each), len(each[0])) for each in told.values()} == {(100, 500)}
    assert clean_details({"a": {"b": {"c": {"d": {"e": 1}}}}}) == {"a": {"b": {"c": {"d": None}}}}
