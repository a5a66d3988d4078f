"""The NVD is read window by window and page by page, at its pace, and what its statuses mean is told."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from backend.errors import NetworkError, RateLimitedError, UpstreamRejectedError
from backend.resilience.testing import FakeClock
from backend.sources.base import Validators
from backend.sources.nvd import OVERLAP, URL, Mark, Nvd
from backend.sources.nvd_answers import parse_page
from backend.sources.request_rate import RequestRate
from tests.unit.sources.fakes import fetcher, inline

NOW = datetime(2026, 7, 16, 12, tzinfo=UTC)


def cve(number, **more):
    return {"id": f"CVE-2026-{number}", "descriptions": [{"lang": "en", "value": "A flaw. More."}], **more}


class Server:
    """A CVE API that remembers what it was asked; `exploited` of its records are known to be."""

    def __init__(self, records=12, exploited=3, status=200):
        self.records, self.exploited, self.status = records, exploited, status
        self.asked = []

    def __call__(self, request):
        query = dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))
        self.asked.append((query, dict(request.headers)))
        if self.status != 200:
            return httpx.Response(self.status)
        total = self.exploited if "hasKev" in query else self.records
        start, most = int(query["startIndex"]), int(query["resultsPerPage"])
        rows = [{"cve": cve(1000 + number)} for number in self.names_of(start, min(total, start + most))]
        return httpx.Response(200, content=json.dumps({"totalResults": total, "vulnerabilities": rows}))

    def names_of(self, start, end):
        """The numbers of the records at these places."""
        return range(start, end)

    def windows(self):
        """The windows that were asked for, each once."""
        found = [(q["lastModStartDate"], q["lastModEndDate"]) for q, _ in self.asked if "lastModStartDate" in q]
        return [tuple(map(datetime.fromisoformat, window)) for window in dict.fromkeys(found)]


def source(server, clock=None, **options):
    clock = clock or FakeClock(NOW)
    return Nvd(fetcher(server, clock), clock=clock, offload=inline, **options)


def read(nvd, known=None):
    """All fetches until nothing is left: ids, and the validators at the end."""
    ids = set()
    for _ in range(50):
        batch = nvd.fetch(previous=known)
        ids.update(batch.fragments)
        known = batch.validators
        if batch.again_in is None:
            return ids, known
    raise AssertionError("it goes on for ever")


def test_first_the_exploited_ones_then_what_changed_lately_page_by_page():
    server = Server()
    ids, _ = read(source(server, page=5))
    assert len(ids) == 12
    assert ["hasKev" in query for query, _ in server.asked] == [True, False, False, False]
    ((since, until),) = server.windows()
    assert (since, until) == (NOW - timedelta(days=7) - OVERLAP, NOW)


def test_one_fetch_makes_few_requests_and_the_next_goes_on_from_its_mark():
    server = Server(records=50)
    nvd = source(server, page=5)
    first = nvd.fetch()
    assert (len(server.asked), first.again_in, first.delta) == (4, 0.1, True)
    nvd.fetch(previous=first.validators)
    assert server.asked[4][0]["startIndex"] == "15"


def test_later_only_what_changed_since_is_asked_for():
    server, clock = Server(), FakeClock(NOW)
    nvd = source(server, clock)
    _, known = read(nvd)
    clock.advance(7200)
    read(nvd, known)
    assert server.windows()[1] == (NOW - OVERLAP, NOW + timedelta(seconds=7200))
    assert sum("hasKev" in query for query, _ in server.asked) == 1


def test_after_a_long_time_away_no_window_is_wider_than_120_days():
    server, clock = Server(), FakeClock(NOW)
    nvd = source(server, clock)
    _, known = read(nvd)
    clock.advance(timedelta(days=300).total_seconds())
    read(nvd, known)
    windows = server.windows()[1:]
    widest = timedelta(days=120)
    assert [end - begin for begin, end in windows] == [widest, widest, timedelta(days=60) + 3 * OVERLAP]
    assert windows[0][0] == NOW - OVERLAP
    assert all(a[1] - b[0] == OVERLAP for a, b in pairwise(windows))
    assert windows[-1][1] == clock.now()


def test_a_record_that_leaves_the_window_while_it_is_read_hides_no_other():
    """Changed after the window's end, it is in the next one; those behind it move up to where was read already."""

    class Changing(Server):
        def __call__(self, request):
            answer = super().__call__(request)
            if self.asked[-1][0].get("startIndex") == "5":
                self.names, self.records = self.names[2:], 10
            return answer

        def names_of(self, start, end):
            return self.names[start:end]

    server = Changing()
    server.names = list(range(12))
    ids, known = read(source(server, page=5))
    assert ids == {f"CVE-2026-{1000 + number}" for number in range(12)}
    assert read(source(server, page=5), known)[0]


def test_a_record_that_is_rejected_while_others_are_read_goes():
    def answer(request):
        rejected = "lastModStartDate" in str(request.url)
        record = cve(1000, vulnStatus="Rejected" if rejected else "Analyzed")
        return httpx.Response(200, content=json.dumps({"totalResults": 1, "vulnerabilities": [{"cve": record}]}))

    batch = source(answer).fetch()
    assert (batch.fragments, batch.removed) == ({}, ("CVE-2026-1000",))


@pytest.mark.parametrize(("status", "headers", "wait"), [(503, {}, 1.0), (429, {"Retry-After": "600"}, 600.0)])
def test_the_rest_of_an_answer_is_not_asked_for_before_the_server_wants_it(status, headers, wait):
    clock = FakeClock(NOW)
    server = Server(records=100)

    def answer(request):
        return httpx.Response(status, headers=headers) if len(server.asked) == 2 else server(request)

    nvd = source(answer, clock, page=5, pace=RequestRate(50, 30, clock=clock))
    batch = nvd.fetch()
    assert (len(batch.fragments), batch.again_in) == (5, wait)


def test_a_mark_of_another_address_is_a_beginning():
    server, mark = Server(), Mark(NOW.isoformat(), NOW.isoformat(), exploited=False).written()
    read(source(server), Validators("https://elsewhere.example/", mark=mark))
    assert "hasKev" in server.asked[0][0]
    read(source(server), Validators(URL, mark=mark))
    assert "hasKev" not in server.asked[-1][0]


def test_a_plus_sign_in_a_date_does_not_become_a_blank():
    server = Server()
    read(source(server))
    assert server.asked[-1][0]["lastModEndDate"] == "2026-07-16T12:00:00.000+00:00"


def test_a_key_is_sent_and_more_is_asked_at_once():
    server = Server(records=100)
    nvd = source(server, page=5, key="secret")
    nvd.fetch()
    assert len(server.asked) == 10
    assert all(headers["apikey"] == "secret" for _, headers in server.asked)


@pytest.mark.parametrize(
    ("status", "key", "error", "told", "wait"),
    [
        (403, None, NetworkError, "slow down (403)", 30),
        (403, "k", NetworkError, "slow down (403)", 30),
        (404, "k", UpstreamRejectedError, "does not accept the key (404)", None),
        (404, None, UpstreamRejectedError, "nothing at this address (404)", None),
        (503, None, NetworkError, "error 503", None),
    ],
)
def test_what_its_statuses_mean_is_told(status, key, error, told, wait):
    with pytest.raises(error) as caught:
        source(Server(status=status), key=key).fetch()
    assert told in caught.value.message
    assert caught.value.asked_to_wait == wait
    assert caught.value.retryable is (error is NetworkError)


def test_the_limit_of_the_server_is_kept_before_it_has_to_say_it():
    clock = FakeClock(NOW)
    server = Server(records=100)
    nvd = source(server, clock, page=5, pace=RequestRate(5, 30, clock=clock))
    first = nvd.fetch()
    assert first.again_in == 1.0
    second = nvd.fetch(previous=first.validators)
    assert (len(server.asked), second.again_in) == (5, 30.0)
    with pytest.raises(RateLimitedError) as caught:
        nvd.fetch(previous=second.validators)
    assert caught.value.retry_after == 30.0
    clock.advance(30)
    nvd.fetch(previous=second.validators)
    assert len(server.asked) == 9


def test_what_came_before_a_failure_is_kept_and_the_next_fetch_meets_it():
    server = Server(records=100)
    nvd = source(server, page=5)
    first = nvd.fetch()
    server.status = 503
    with pytest.raises(NetworkError):
        nvd.fetch(previous=first.validators)
    server.status = 200
    assert server.asked[-1][0]["startIndex"] == "15"
    nvd.fetch(previous=first.validators)
    assert server.asked[5][0]["startIndex"] == "15"


@pytest.mark.parametrize("mark", [None, "", "nonsense", "{}", "[1]", '{"since": 1, "more": 2}'])
def test_a_mark_that_cannot_be_read_is_a_beginning(mark):
    server = Server()
    read(source(server), Validators(URL, mark=mark))
    assert "hasKev" in server.asked[0][0]


def test_a_mark_comes_back_as_it_went():
    mark = Mark("2026-07-09T12:00:00.000+00:00", "2026-07-16T12:00:00.000+00:00", False, 500)
    assert Mark.read(mark.written()) == mark


def page(**more):
    body = json.dumps({"vulnerabilities": [{"cve": cve(1, **{"id": "CVE-2026-1000", **more})}]}).encode()
    return parse_page(body)


def metric(version, score, kind="Primary", source="nvd@nist.gov", vector=None):
    return {
        "type": kind,
        "source": source,
        "cvssData": {"version": version, "baseScore": score, "vectorString": vector},
    }


OTHER_V4, OTHER_V3 = metric("4.0", 9.3, "Secondary", "x"), metric("3.1", 8.8, "Secondary", "x")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"cvssMetricV31": [metric("3.1", 5.0, "Secondary", "x"), metric("3.1", 9.8)]}, ("3.1", 9.8, "NVD")),
        ({"cvssMetricV40": [OTHER_V4], "cvssMetricV31": [metric("3.1", 9.8)]}, ("3.1", 9.8, "NVD")),
        ({"cvssMetricV30": [metric("3.0", 7.0)], "cvssMetricV31": [metric("3.1", 7.5)]}, ("3.1", 7.5, "NVD")),
        ({"cvssMetricV2": [metric("2.0", 10.0)], "cvssMetricV31": [OTHER_V3]}, ("3.1", 8.8, "x")),
        ({"cvssMetricV2": [metric("2.0", 10.0)]}, ("2.0", 10.0, "NVD")),
        ({}, None),
        ({"cvssMetricV31": "x"}, None),
        (None, None),
    ],
)
def test_the_score_to_be_believed_is_taken(metrics, expected):
    cvss = page(metrics=metrics).fragments["CVE-2026-1000"]["cvss"]
    assert (cvss and (cvss["version"], cvss["score"], cvss["source"])) == expected


def test_rejected_records_are_taken_out():
    found = page(vulnStatus="Rejected", metrics={})
    assert (found.fragments, found.removed, found.skipped) == ({}, ("CVE-2026-1000",), 0)


def test_dates_without_a_zone_are_utc():
    read_one = page(published="2026-02-15T23:15:46.503", lastModified="2026-07-10T01:00:01.433").fragments
    assert read_one["CVE-2026-1000"]["published"] == "2026-02-15"
    assert read_one["CVE-2026-1000"]["updated"] == "2026-07-10T01:00:01+00:00"


def test_the_first_vulnerable_product_names_vendor_and_product():
    matches = [
        {"vulnerable": False, "criteria": "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*"},
        {"vulnerable": True, "criteria": r"cpe:2.3:a:acme\:corp:web_server:1.0:*:*:*:*:*:*:*"},
    ]
    found = page(configurations=[{"nodes": [{"cpeMatch": matches}]}]).fragments["CVE-2026-1000"]
    assert (found["vendor"], found["product"]) == ("acme:corp", "web server")
