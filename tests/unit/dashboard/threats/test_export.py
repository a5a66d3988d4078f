"""An export has exactly the rows of the list, in its order, and other programs can read it."""

import csv
import io
import json
from datetime import date

import pytest
import stix2

from backend.dashboard.threats.merge import made
from backend.dashboard.threats.stix_bundle import bundle
from backend.errors import ValidationError
from backend.sources.base import ThreatBatch
from tests.unit.dashboard.source_fakes import NOW, FakeScores, FakeSource, World, fragment, scores

EVENT = {
    "title": "Winter Vivern",
    "summary": "By ESET.",
    "published": "2023-10-19",
    "updated": "2023-10-21T00:00:00+00:00",
    "related": ["CVE-2023-5631"],
    "tags": ["T1056"],
    "references": ["https://a.example/x"],
    "indicator_count": 6,
    "indicators": [
        {"type": "url", "value": "hxxps://a[.]example/it's"},
        {"type": "ip:port", "value": "192[.]0[.]2[.]1:443"},
        {"type": "domain", "value": "a[.]example"},
        {"type": "sha256", "value": "0" * 64},
        {"type": "ip", "value": "2001:db8::1"},
        {"type": "yara", "value": "rule x {}"},
    ],
}
SCORE = {
    "version": "3.1",
    "vector": "CVSS:3.1/AV:N",
    "score": 9.8,
    "severity": "critical",
    "source": "",
    "primary": True,
}
HOSTILE = '=HYPERLINK("http://evil.example";"x")'


@pytest.fixture
def threats():
    fragments = {f"CVE-2026-{n}": fragment(title=f"Flaw {n}") for n in range(1000, 1010)}
    fragments["CVE-2026-1003"] = fragment(title=HOSTILE, cvss=SCORE, published=None)
    fragments["MISP-7A1F"] = EVENT
    world = World(FakeSource("cisa_kev", ThreatBatch(fragments)), FakeScores(scores(CVE_2026_1001=0.7)))
    world.threats.refresh()
    return world.threats


QUESTIONS = [{}, {"search": "flaw"}, {"known_exploited": "true", "sort": "newest"}, {"epss_min": "0.5"}, {"limit": 3}]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_format_has_the_rows_of_the_list_in_its_order(threats, question):
    shown = [record["id"] for record in threats.query({"limit": 200, **question})["threats"]]
    assert shown
    rows = list(csv.DictReader(io.StringIO(threats.export({"format": "csv", **question}).body.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == shown
    document = json.loads(threats.export({"format": "json", **question}).body)
    assert [each["id"] for each in document["threats"]] == shown
    assert (document["count"], document["stale"]) == (len(shown), False)
    bundle = json.loads(threats.export({"format": "stix", **question}).body)
    made = [o["name"] for o in bundle["objects"] if o["type"] in ("vulnerability", "report") and "extensions" in o]
    assert made == [{"MISP-7A1F": "Winter Vivern"}.get(name, name) for name in shown]


def test_records_that_come_while_the_rows_are_searched_for_change_nothing(threats, monkeypatch):
    """The rows and what is written of them are of one moment, whichever that is."""
    search, now = threats._join.search, {f"CVE-2026-{n}": fragment(title=f"Other {n}") for n in range(1005, 1020)}

    def slowly(words):
        found = search(words)
        threats._join.accept("cisa_kev", ThreatBatch(now))
        return found

    monkeypatch.setattr(threats._join, "search", slowly)
    document = json.loads(threats.export({"format": "json"}).body)
    assert (document["count"], document["total"]) == (15, 15)
    assert {each["title"] for each in document["threats"]} == {f"Other {n}" for n in range(1005, 1020)}


def test_the_reference_library_takes_the_bundle_as_valid(threats):
    body = threats.export({"format": "stix"}).body
    bundle = stix2.parse(body, allow_custom=False)
    kinds = [each.type for each in bundle.objects]
    assert (kinds.count("vulnerability"), kinds.count("report"), kinds.count("indicator")) == (11, 1, 5)
    report = next(each for each in bundle.objects if each.type == "report")
    known = {each.id for each in bundle.objects}
    assert set(report.object_refs) <= known
    patterns = {each.pattern for each in bundle.objects if each.type == "indicator"}
    assert "[url:value = 'https://a.example/it\\'s']" in patterns
    assert "[ipv4-addr:value = '192.0.2.1']" in patterns
    assert "[ipv6-addr:value = '2001:db8::1']" in patterns


def bundled(*parts):
    entries = [made(name, (("misp", part),), (), date(2026, 7, 16)) for name, part in parts]
    return [
        each for each in bundle(entries, NOW)["objects"] if each["type"] in ("vulnerability", "report", "indicator")
    ]


def test_a_row_is_exported_in_full_also_where_a_report_before_it_names_it():
    cve = ("CVE-2023-5631", fragment(title="Roundcube Flaw"))
    for rows in ([("MISP-7A1F", EVENT), cve], [cve, ("MISP-7A1F", EVENT)]):
        found = [each for each in bundled(*rows) if each["type"] != "indicator"]
        assert ["extensions" in each for each in found] == [True, True]
        assert [each["type"] == "report" for each in found] == [name.startswith("MISP") for name, _ in rows]


def test_what_is_context_only_is_no_malicious_activity():
    event = {**EVENT, "indicators": [{"type": "ip", "value": "192[.]0[.]2[.]53", "use": "context"}]}
    (found,) = [each for each in bundled(("MISP-7A1F", event)) if each["type"] == "indicator"]
    assert found["indicator_types"] == ["unknown"]


@pytest.mark.parametrize(
    ("kind", "value", "pattern"),
    [
        ("sha256", "a" * 40, None),
        ("md5", "n/a", None),
        ("sha1", "a" * 40, f"[file:hashes.'SHA-1' = '{'a' * 40}']"),
        ("ip", "not an address", None),
        ("ip", "10[.]0[.]0[.]0/8", "[ipv4-addr:value = '10.0.0.0/8']"),
        ("ip:port", "192[.]0[.]2[.]1", "[ipv4-addr:value = '192.0.2.1']"),
        ("ip:port", "2001:db8::1:443", "[ipv6-addr:value = '2001:db8::1']"),
        ("ip:port", "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']"),
        ("ip", "2001:db8::1:443", "[ipv6-addr:value = '2001:db8::1:443']"),
        ("ip:port", "[2001:db8::1]:443", "[ipv6-addr:value = '2001:db8::1']"),
        ("url", "hxxps://a[.]example/" + "x" * 400 + "…", None),
        ("filename", "it's\\a", "[file:name = 'it\\'s\\\\a']"),
    ],
)
def test_an_indicator_that_is_none_does_not_spoil_the_bundle(kind, value, pattern):
    entry = made(
        "MISP-7A1F", (("misp", {**EVENT, "indicators": [{"type": kind, "value": value}]}),), (), date(2026, 7, 16)
    )
    made_of_it = stix2.parse(json.dumps(bundle([entry], NOW)), allow_custom=False)
    assert [each.pattern for each in made_of_it.objects if each.type == "indicator"] == ([pattern] if pattern else [])


def test_a_threat_has_the_same_id_in_every_bundle(threats):
    def ids():
        return {each["id"] for each in json.loads(threats.export({"format": "stix"}).body)["objects"]}

    assert ids() == ids()


def test_a_spreadsheet_runs_nothing(threats):
    rows = list(csv.reader(io.StringIO(threats.export({"format": "csv"}).body.decode("utf-8-sig"))))
    cells = [cell for row in rows[1:] for cell in row]
    assert f"'{HOSTILE}" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_a_file_has_a_name_and_a_type(threats):
    made = threats.export({"format": "stix"})
    assert made.name == "jupiter-threats-20260716T120000Z.stix.json"
    assert made.content_type == "application/stix+json;version=2.1"


@pytest.mark.parametrize("query", [{"format": "xml"}, {"limit": 10_001}, {"cursor": "x"}, {"epss_min": 2}])
def test_a_wrong_question_is_refused(threats, query):
    with pytest.raises(ValidationError):
        threats.export(query)
