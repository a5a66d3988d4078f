"""The kit keeps every promise of the conformance table, and the page in docs is of this table."""

from pathlib import Path

import pytest

from tests.conformance.cases import CASES
from tests.conformance.subjects import Kit
from tests.conformance.table import title

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_kit_keeps_its_promise(case):
    case(Kit)


def test_the_page_lists_every_case_and_the_kit_keeps_all():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    kit = rows[0].index("this kit")
    assert [row[0] for row in rows[1:-1]] == [title(case) for case in CASES]
    assert {row[kit] for row in rows[1:-1]} == {"✓"}
