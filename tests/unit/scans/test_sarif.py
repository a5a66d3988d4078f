"""Where SARIF's producers put what a finding is about: https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""

import json

import pytest

from backend.scans.finding import Finding
from backend.scans.formats import READERS
from backend.scans.reader import ScanFile

CVE, OTHER = "CVE-2020-8203", "CVE-2021-23337"


@pytest.fixture
def read(tmp_path):
    def read(*runs) -> list[Finding]:
        path = tmp_path / "report"
        path.write_text(json.dumps({"version": "2.1.0", "runs": list(runs)}))
        with ScanFile(path, passes=2) as file:
            return list(READERS["sarif"].read(file))

    return read


def run(*results, rules=(), extensions=(), **more):
    driver = {"name": "Scanner", "rules": list(rules)}
    return {"tool": {"driver": driver, "extensions": list(extensions)}, "results": list(results), **more}


def result(rule="SNYK-JS-LODASH-567746", **more):
    return {"ruleId": rule, "message": {"text": "A vulnerable package."}, **more}


@pytest.mark.parametrize(
    "rule",
    [
        {"fullDescription": {"text": f"({CVE}) lodash@4.17.15"}},  # Snyk
        {"deprecatedIds": [CVE]},  # OSV-Scanner
        {"properties": {"tags": ["security", f"external/cve/{CVE.lower()}"]}},
        {"shortDescription": {"text": f"{CVE}: prototype pollution"}, "fullDescription": {"text": f"Like {OTHER}."}},
        {"help": {"text": f"See {CVE}."}, "properties": {"cve": OTHER, "id": CVE}, "name": CVE},
    ],
    ids=["description", "older ids", "tags", "title before description", "name before all"],
)
def test_the_cve_is_found_wherever_the_rule_has_it(read, rule):
    (found,) = read(run(result(), rules=[{"id": "SNYK-JS-LODASH-567746", **rule}]))
    assert found.vulnerability == CVE
    assert "SNYK-JS-LODASH-567746" in found.aliases


@pytest.mark.parametrize(
    "said",
    [
        {"message": {"text": f"Package lodash is affected by {CVE}."}},
        {"properties": {"cves": [CVE], "n": 7}},
        {"properties": {"vulnerability": CVE}},
        {"taxa": [{"id": CVE, "toolComponent": {"name": "CVE"}}]},
    ],
    ids=["message", "properties", "property", "taxa"],
)
def test_the_cve_is_found_wherever_the_result_has_it_if_its_rule_has_none(read, said):
    rule = {"id": "vulnerable-package", "shortDescription": {"text": "A vulnerable package"}}
    (found,) = read(run(result("vulnerable-package", **said), rules=[rule]))
    assert found.vulnerability == CVE


def test_what_a_message_mentions_does_not_rename_a_finding_that_has_its_id(read):
    (found,) = read(run(result(CVE, message={"text": f"An incomplete fix of {OTHER}."})))
    assert (found.vulnerability, found.aliases) == (CVE, ())


def test_a_rule_of_an_extension_is_found_by_its_place_there(read):
    extensions = [{"name": "a", "rules": [{"id": "x"}]}, {"name": "b", "rules": [{"id": "y"}, {"id": CVE}]}]
    said = {"message": {"text": "m"}, "rule": {"index": 1, "toolComponent": {"index": 1}}}
    found = read(run(said, rules=[{"id": "wrong"}, {"id": "wrong too"}], extensions=extensions))
    assert [each.vulnerability for each in found] == [CVE]


def test_a_rule_is_found_by_the_beginning_of_a_finer_name(read):
    rule = {"id": "CA1000", "properties": {"security-severity": "9.8"}, "shortDescription": {"text": "A title"}}
    (found,) = read(run(result("CA1000/sub/finer"), rules=[rule]))
    assert (found.severity, found.title) == ("critical", "A title")


def test_files_named_by_their_place_in_the_list_of_artifacts_are_told_apart(read):
    artifacts = [{"location": {"uri": f"src/{name}.c"}} for name in "ab"]
    results = [
        result(locations=[{"physicalLocation": {"artifactLocation": {"index": at}, "region": {"startLine": 3}}}])
        for at in (0, 1, 7)
    ]
    found = read(run(*results, artifacts=artifacts))
    assert [each.location for each in found] == ["src/a.c:3", "src/b.c:3", ""]
    assert len({each.key for each in found}) == 3


def test_each_run_has_its_own_rules_and_files(read):
    place = {"physicalLocation": {"artifactLocation": {"index": 0}}}
    said = {"ruleIndex": 0, "message": {"text": "m"}, "locations": [place]}
    runs = [run(said, rules=[{"id": name}], artifacts=[{"location": {"uri": name.lower()}}]) for name in (CVE, OTHER)]
    assert [(each.vulnerability, each.location) for each in read(*runs)] == [(CVE, CVE.lower()), (OTHER, OTHER.lower())]


@pytest.mark.parametrize(
    ("rule", "said", "severity"),
    [
        ({"properties": {"security-severity": "7.5"}}, {"level": "note"}, "high"),
        ({"properties": {"security-severity": "0.0"}}, {"level": "error"}, "high"),
        ({"defaultConfiguration": {"level": "error"}}, {}, "high"),
        ({"defaultConfiguration": {"level": "error"}}, {"level": "note"}, "low"),
        ({}, {}, "medium"),
        ({"properties": {"security-severity": "high"}}, {"level": "none"}, "info"),
        ({}, {"properties": {"security-severity": "9.1"}}, "critical"),
    ],
)
def test_the_severity_is_the_score_then_the_level_then_the_rules_then_a_warning(read, rule, said, severity):
    (found,) = read(run(result("r", **said), rules=[{"id": "r", **rule}]))
    assert found.severity == severity


@pytest.mark.parametrize(
    ("suppressions", "count"),
    [
        ([], 1),
        ([{"kind": "inSource"}], 0),
        ([{"kind": "external", "status": "rejected"}], 1),
        ([{"kind": "external", "status": "underReview"}], 1),
        ([{"status": "rejected"}, {"status": "accepted"}], 0),
    ],
)
def test_what_is_suppressed_is_left_out_unless_that_was_not_accepted(read, suppressions, count):
    assert len(read(run(result(suppressions=suppressions)))) == count
