"""The kit keeps every promise of the conformance tables, and the page in docs is of these tables."""

from pathlib import Path

import pytest

from tests.conformance import cases, retries, shared_cases, shared_subjects, subjects
from tests.conformance.table import PARTS, title

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.__name__)
def test_the_kit_keeps_its_promise(case):
    case(subjects.Kit)


@pytest.mark.redis
@pytest.mark.parametrize("case", shared_cases.CASES, ids=lambda case: case.__name__)
def test_the_kit_keeps_its_promise_to_several_workers(case):
    with shared_cases.fleet(shared_subjects.Kit) as fleet:
        case(fleet)


@pytest.mark.parametrize("case", retries.CASES, ids=lambda case: case.__name__)
def test_the_kit_keeps_its_promise_about_retries(case):
    case(retries.Kit)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.heading)
def test_the_page_lists_every_case_and_the_kit_keeps_all(part):
    text = PAGE.read_text(encoding="utf-8").split(f"## {part.heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    kit = rows[0].index("this kit")
    assert [row[0] for row in rows[1:-1]] == [title(case) for case in part.cases]
    assert {row[kit] for row in rows[1:-1]} == {"✓"}
