"""The kit keeps every promise of the conformance tables, and the page in docs is of these tables."""

from pathlib import Path

import pytest

from tests.conformance.cases import CASES
from tests.conformance.fleet_cases import FLEET_CASES
from tests.conformance.fleet_subjects import KitFleet
from tests.conformance.subjects import Kit
from tests.conformance.table import in_a_fleet, title

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_kit_keeps_its_promise(case):
    case(Kit)


@pytest.mark.redis
@pytest.mark.parametrize("case", FLEET_CASES, ids=lambda case: case.__name__)
def test_the_kit_keeps_its_promise_in_a_fleet(case):
    in_a_fleet(case, KitFleet)


def test_the_page_lists_every_case_and_the_kit_keeps_all():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    kit = rows[0].index("this kit")
    told = {row[0]: row[kit] for row in rows if "this kit" not in row and not row[0].startswith("**")}
    assert list(told) == [title(case) for case in (*CASES, *FLEET_CASES)]
    assert set(told.values()) == {"✓"}
