"""Every reader, on a report of its format."""

import json

import pytest

from backend.scans.errors import UnreadableScanError
from backend.scans.formats import READERS
from backend.scans.reader import ScanFile
from tests.unit.scans import samples


@pytest.fixture
def read(tmp_path):
    def read(name, report):
        path = tmp_path / "report"
        path.write_bytes(report if isinstance(report, bytes) else samples.as_bytes(report))
        reader = READERS[name]
        with ScanFile(path, passes=reader.passes) as file:
            found = list(reader.read(file))
            assert file.share == pytest.approx(1.0)
        return found, file.left_out

    return read


def test_trivy_gives_vulnerabilities_failed_checks_and_secrets_without_the_secret(read):
    found, left_out = read("trivy", samples.TRIVY)
    ssl, user, key = found
    assert (ssl.vulnerability, ssl.component, ssl.version, ssl.fixed_version) == (
        "CVE-2019-1549",
        "libssl1.1",
        "1.1.1c-r0",
        "1.1.1d-r0",
    )
    assert (ssl.severity, ssl.cvss_score, ssl.location) == ("medium", 5.3, "shop:1.4 (alpine 3.10.2)")
    assert ssl.references == (
        "https://avd.aquasec.com/nvd/cve-2019-1549",
        "https://openssl.org/news/secadv/20190910.txt",
    )
    assert (user.vulnerability, user.severity, user.location) == ("AVD-DS-0002", "high", "app/Dockerfile:3")
    assert (key.vulnerability, key.severity) == ("aws-access-key-id", "critical")
    assert "AKIAEXAMPLE" not in repr(key)
    assert left_out == {"checks that passed": 1}


def test_grype_names_the_cve_behind_an_advisory_and_keeps_what_it_knows_of_exploitation(read):
    (log4j,), left_out = read("grype", samples.GRYPE)
    assert (log4j.vulnerability, log4j.aliases) == ("CVE-2021-44228", ("GHSA-jfh8-c2jp-5v3q",))
    assert (log4j.cvss_score, log4j.epss, log4j.known_exploited) == (10.0, 0.94358, True)
    assert (log4j.component, log4j.fixed_version) == ("log4j-core", "2.15.0")
    assert log4j.location == "/app/lib/log4j-core-2.14.1.jar"
    assert left_out == {"matches that the scanner's rules ignore": 1}


@pytest.mark.parametrize("as_list", [False, True], ids=["lines", "list"])
def test_nuclei_gives_what_matched_from_lines_and_from_a_list(read, as_list):
    report = json.dumps(samples.NUCLEI).encode() if as_list else samples.NUCLEI
    (apache, nginx), left_out = read("nuclei", report)
    assert (apache.vulnerability, apache.severity, apache.epss) == ("CVE-2021-41773", "high", 0.97458)
    assert apache.location == "https://shop.example/cgi-bin/.%2e/etc/passwd"
    assert (nginx.vulnerability, nginx.title, nginx.severity) == ("tech-detect", "Wappalyzer (nginx)", "info")
    assert left_out == {"results that did not match": 1}


def test_nuclei_passes_over_a_broken_line_and_counts_it(read):
    lines = samples.as_bytes(samples.NUCLEI).splitlines()
    found, left_out = read("nuclei", b"\n".join([lines[0], b'{"template-id": "CVE-2', b"7", lines[1]]))
    assert len(found) == 2
    assert left_out["lines that cannot be read"] == 2


def test_cyclonedx_gives_one_finding_for_each_component_affected(read):
    (jackson, inner), left_out = read("cyclonedx", samples.CYCLONEDX)
    assert (jackson.vulnerability, jackson.component) == (
        "CVE-2018-7489",
        "com.fasterxml.jackson.core/jackson-databind",
    )
    assert (jackson.severity, jackson.cvss_score, jackson.version) == ("critical", 9.8, "2.8.0")
    assert (inner.component, inner.version) == ("inner", "1")
    assert left_out == {"vulnerabilities that the document says are settled": 1}


def test_cyclonedx_of_components_alone_tells_that_there_is_nothing_to_join(read):
    bare = {name: value for name, value in samples.CYCLONEDX.items() if name != "vulnerabilities"}
    found, left_out = read("cyclonedx", bare)
    assert found == []
    assert left_out == {"components, and no vulnerability: there is nothing to join": 2}


def test_sarif_joins_results_with_rules_wherever_these_stand(read):
    (ext4, injection, unused), left_out = read("sarif", samples.SARIF)
    assert (ext4.vulnerability, ext4.component, ext4.version) == ("CVE-2019-5094", "e2fsprogs", "1.44.5-1")
    assert (ext4.severity, ext4.cvss_score, ext4.fixed_version) == ("medium", 6.7, "1.44.5-2")
    assert (injection.vulnerability, injection.severity, injection.location) == (
        "py/sql-injection",
        "high",
        "app/db.py:42",
    )
    assert (injection.title, injection.tool) == ("SQL query built from user-controlled sources", "Trivy")
    assert (unused.severity, unused.location) == ("low", "app.db")
    assert left_out == {
        "results that are no findings": 1,
        "results that are suppressed": 1,
        "results that are gone": 1,
    }


def test_sarif_results_may_name_their_rule_by_its_place_alone(read):
    report = json.loads(json.dumps(samples.SARIF))
    del report["runs"][0]["results"][1]["ruleId"]
    found, _ = read("sarif", report)
    assert found[1].title == "SQL query built from user-controlled sources"


def test_markup_in_a_finding_stays_what_it_is(read):
    found, _ = read("sarif", samples.SARIF)
    assert found[1].description == "This depends on <b>user</b> input."


def test_sarif_of_another_version_is_refused(read):
    with pytest.raises(UnreadableScanError, match=r"SARIF 2\.0\.0"):
        read("sarif", {**samples.SARIF, "version": "2.0.0"})


def test_a_list_gives_each_id_in_its_usual_spelling(read):
    found, left_out = read("cve_list", samples.CVE_LIST)
    assert [each.vulnerability for each in found] == ["CVE-2024-3400", "CVE-2023-4966", "GHSA-jfh8-c2jp-5v3q"]
    assert left_out == {"lines without an id": 1}


@pytest.mark.parametrize("name", sorted(set(READERS) - {"cve_list"}))
def test_every_reader_survives_wrong_types_at_every_place(read, name):
    """Each value in turn is replaced by one of another type: no error but our own, and never a crash."""
    whole = samples.SAMPLES[name]
    for path in list(_paths(whole)):
        for wrong in (None, 7, "text", [], {}, [[None]], {"a": {"b": []}}, True):
            broken = _replaced(whole, path, wrong)
            body = (
                b"".join(json.dumps(each).encode() + b"\n" for each in broken)
                if (name == "nuclei" and isinstance(broken, list))
                else json.dumps(broken).encode()
            )
            try:
                found, _ = read(name, body)
            except UnreadableScanError:
                continue
            assert all(isinstance(each.vulnerability, str) and each.vulnerability for each in found)


def _paths(value, at=()):
    yield at
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield from _paths(inner, (*at, name))


def _replaced(value, path, wrong):
    if not path:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], wrong)
    return copy


@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "pretty"])
@pytest.mark.parametrize("before", [b"", b"\n \r\n"], ids=["at once", "after blanks"])
def test_a_list_of_nuclei_is_read_however_it_is_laid_out(read, before, indent):
    found, left_out = read("nuclei", before + json.dumps(samples.NUCLEI, indent=indent).encode())
    assert len(found) == 2
    assert left_out == {"results that did not match": 1}


def test_a_list_of_nuclei_may_be_one_very_long_line(read):
    large = [{**samples.NUCLEI[0], "response": "x" * 3_000_000}, samples.NUCLEI[1]]
    assert len(read("nuclei", json.dumps(large).encode())[0]) == 2


def test_nuclei_results_spread_over_lines_are_read_too(read):
    pretty = "\n".join(json.dumps(each, indent=2) for each in samples.NUCLEI).encode()
    assert len(read("nuclei", pretty)[0]) == 2


def test_cyclonedx_leaves_out_a_component_whose_versions_are_not_affected(read):
    report = json.loads(json.dumps(samples.CYCLONEDX))
    said = next(each for each in report["vulnerabilities"] if each["id"] == "CVE-2018-7489")
    said["affects"] = [
        {"ref": "a", "versions": [{"version": "1", "status": "unaffected"}]},
        {"ref": "b", "versions": [{"version": "2", "status": "unaffected"}, {"version": "3", "status": "affected"}]},
        {"ref": "c", "versions": [{"range": "vers:npm/<4"}]},
    ]
    found, left_out = read("cyclonedx", report)
    assert [(f.component, f.version) for f in found if f.vulnerability == said["id"]] == [("b", "3"), ("c", "")]
    assert left_out["components that the document says are not affected"] == 1


def test_a_list_may_be_one_very_long_line(read):
    ids = [f"CVE-2024-{number}" for number in range(10_000, 40_000)]
    found, _ = read("cve_list", ", ".join(ids).encode())
    assert [each.vulnerability for each in found] == ids


def test_trivy_leaves_out_what_it_says_is_not_affected(read):
    report = json.loads(json.dumps(samples.TRIVY))
    report["Results"][0]["Vulnerabilities"][0]["Status"] = "not_affected"
    found, left_out = read("trivy", report)
    assert len(found) == 2
    assert left_out["vulnerabilities that the report says do not affect"] == 1
