"""The catalogue is read whole, tolerantly, and from its mirror where it has to be."""

import json

import pytest

from backend.errors import NetworkError, UpstreamRejectedError
from backend.sources.base import Validators
from backend.sources.cisa_kev import CisaKev
from backend.sources.kev_catalogue import parse_catalogue
from tests.support.requirements import require_data
from tests.unit.sources.fakes import ScriptedFetcher, inline, unchanged

URL, MIRROR = "https://kev.example/kev.json", "https://mirror.example/kev.json"
RECORD = {
    "cveID": "CVE-2026-46817",
    "vendorProject": "Oracle ",
    "product": " E-Business Suite",
    "vulnerabilityName": "Oracle E-Business Suite  Vulnerability",
    "dateAdded": "2026-07-15",
    "shortDescription": "A flaw.",
    "requiredAction": "Update.",
    "dueDate": "2026-07-10",
    "knownRansomwareCampaignUse": "Known",
    "notes": "See: https://www.oracle.com/a.html ; https://nvd.nist.gov/vuln/detail/CVE-2026-46817.",
    "cwes": ["CWE-269", " cwe-287", "none"],
}


def catalogue(*records, **more):
    return json.dumps({"count": len(records), "vulnerabilities": records, **more}).encode()


def source(answers, **options):
    fetcher = ScriptedFetcher(answers)
    return CisaKev(fetcher, url=URL, offload=inline, **{"mirror_url": MIRROR, **options}), fetcher


def test_a_record_is_mapped_and_its_blanks_are_gone():
    read = parse_catalogue(catalogue(RECORD)).fragments["CVE-2026-46817"]
    assert (read["vendor"], read["product"]) == ("Oracle", "E-Business Suite")
    assert read["title"] == "Oracle E-Business Suite Vulnerability"
    assert read["ransomware"] is True
    assert read["known_exploited"] is True
    assert (read["date_added"], read["due_date"]) == ("2026-07-15", "2026-07-10")
    assert read["cwes"] == ["CWE-269", "CWE-287"]
    assert read["references"] == [
        "https://www.oracle.com/a.html",
        "https://nvd.nist.gov/vuln/detail/CVE-2026-46817",
    ]


def test_what_the_catalogue_does_not_know_is_null_not_no():
    read = parse_catalogue(catalogue({"cveID": "DEMO-2026-0001", "product": "Box", "dateAdded": "soon"}))
    fragment = read.fragments["DEMO-2026-0001"]
    assert fragment["title"] == "Box"
    assert fragment["references"] == []
    assert [fragment[name] for name in ("ransomware", "vendor", "summary", "date_added", "due_date")] == [None] * 5


def test_a_broken_record_is_skipped_and_counted():
    read = parse_catalogue(catalogue(RECORD, None, 7, {"cveID": "x"}, {**RECORD, "cveID": None}, RECORD))
    assert list(read.fragments) == ["CVE-2026-46817"]
    assert read.skipped == 5


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>Access denied</html>", "web page"),
        (b'{"count": 0, "vulnerabilities": {}}', "not a catalogue"),
        (b"[]", "not a catalogue"),
        (catalogue(RECORD, count=1404), "cut off: 1 of 1,404"),
        (catalogue(), "no record that can be used"),
        (catalogue({"cveID": "x"}), "no record that can be used"),
        (catalogue(RECORD)[:-20], "not valid JSON"),
    ],
)
def test_what_is_no_whole_catalogue_is_refused(body, told):
    with pytest.raises(NetworkError) as caught:
        parse_catalogue(body)
    assert told in caught.value.message


@pytest.mark.data
@pytest.mark.parametrize(("name", "records", "ransomware"), [("2025-08-25", 1404, 293), ("2026-07-15", 1644, None)])
def test_the_recorded_catalogues_are_read_whole(name, records, ransomware):
    read = parse_catalogue((require_data() / "kev" / f"kev-{name}.json").read_bytes())
    assert (len(read.fragments), read.skipped) == (records, 0)
    used = sum(fragment["ransomware"] is True for fragment in read.fragments.values())
    assert used == ransomware or ransomware is None
    for fragment in read.fragments.values():
        texts = [value for value in fragment.values() if isinstance(value, str)]
        assert all(text == text.strip() for text in texts)
        assert fragment["date_added"]


def test_the_mirror_is_not_asked_while_the_source_answers():
    kev, fetcher = source({URL: catalogue(RECORD)})
    batch = kev.fetch()
    assert (len(batch.fragments), batch.via) == (1, "")
    assert [url for url, _ in fetcher.asked] == [URL]


@pytest.mark.parametrize(
    "fault",
    [NetworkError("down"), UpstreamRejectedError("403"), b"<html>blocked</html>", catalogue(RECORD, count=9)],
)
def test_the_mirror_answers_for_any_failure_of_the_source(fault):
    kev, _ = source({URL: fault, MIRROR: catalogue(RECORD)})
    batch = kev.fetch()
    assert (len(batch.fragments), batch.via) == (1, "its mirror")
    assert batch.validators.url == MIRROR


def test_when_both_fail_the_sources_own_failure_is_told():
    kev, _ = source({URL: UpstreamRejectedError("403", message="refused"), MIRROR: NetworkError("down")})
    with pytest.raises(UpstreamRejectedError, match="403"):
        kev.fetch()


def test_a_mirror_that_is_behind_takes_nothing_back():
    older, newer = (catalogue(RECORD, dateReleased=f"2026-07-{day}T16:42:14.8261Z") for day in (10, 15))
    kev, fetcher = source({URL: newer, MIRROR: older})
    known = kev.fetch().validators
    fetcher.answers[URL] = NetworkError("down", message="The server refused the connection.")
    with pytest.raises(NetworkError, match="down") as caught:
        kev.fetch(previous=known)
    assert "older than what is at hand" in caught.value.__cause__.message
    fetcher.answers[MIRROR] = newer
    assert kev.fetch(previous=known).via == "its mirror"


def test_without_a_mirror_there_is_one_try_and_half_the_time():
    kev, fetcher = source({URL: NetworkError("down")}, mirror_url=None, request_seconds=4.0)
    with pytest.raises(NetworkError):
        kev.fetch()
    assert len(fetcher.asked) == 1
    assert kev.timeout_seconds == 5.0
    assert source({}, request_seconds=4.0)[0].timeout_seconds == 9.0


def test_an_unchanged_catalogue_is_said_to_be_unchanged():
    kev, fetcher = source({URL: unchanged(URL)})
    known = Validators(URL, '"tag"', "then")
    batch = kev.fetch(previous=known)
    assert (batch.not_modified, batch.validators) == (True, known)
    assert (fetcher.asked[0][1]["etag"], fetcher.asked[0][1]["last_modified"]) == ('"tag"', "then")


def test_validators_of_the_mirror_are_not_shown_to_the_source():
    """A 304 would confirm what the source had then, not what the mirror gave since."""
    kev, fetcher = source({URL: catalogue(RECORD)})
    kev.fetch(previous=Validators(MIRROR, '"of the mirror"'))
    assert fetcher.asked[0][1]["etag"] is None
