"""Exports: exactly what is shown, and nothing that a spreadsheet would execute."""

import csv
import io
import json

import pytest

from backend.dashboard.scans.export import COLUMNS, as_csv, as_json

FINDING = {
    "vulnerability": "CVE-2024-1",
    "title": 'A "quoted", one',
    "known_exploited": True,
    "cvss": {"score": 9.8, "vector": "", "says": None},
    "epss": 0.5,
    "reasons": ["a", "b"],
    "priority": 56,
    "due_date": None,
}


def rows(*findings):
    return list(csv.DictReader(io.StringIO("".join(as_csv(findings)))))


def test_a_row_holds_what_is_shown():
    (row,) = rows(FINDING)
    assert list(row) == list(COLUMNS)
    assert (row["title"], row["known_exploited"], row["cvss"], row["epss"]) == ('A "quoted", one', "yes", "9.8", "0.5")
    assert (row["reasons"], row["due_date"]) == ("a; b", "")


@pytest.mark.parametrize("payload", ["=cmd|'/c calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_take_for_a_formula_is_text(payload):
    for column in ("title", "component", "location"):
        (row,) = rows({**FINDING, column: payload})
        assert row[column] == f"'{payload}"


def test_json_is_one_document_also_when_it_is_empty():
    assert json.loads("".join(as_json({"id": 1}, []))) == {"scan": {"id": 1}, "findings": []}
    assert json.loads("".join(as_json({"id": 1}, [FINDING, FINDING])))["findings"] == [FINDING, FINDING]
