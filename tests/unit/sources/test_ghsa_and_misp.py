"""Advisories along their pages, back to what is known; events of a feed, those that are new."""

import json

import httpx
import pytest

from backend.errors import NetworkError, NotConfiguredError, RateLimitedError
from backend.resilience.testing import FakeClock
from backend.sources.base import Validators
from backend.sources.ghsa import Ghsa, Mark
from backend.sources.misp import Misp
from backend.sources.misp_answers import parse_event
from backend.sources.request_rate import RequestRate
from tests.unit.sources.fakes import fetcher, inline

BASE = "https://hub.example/advisories"


def advisory(number, day=1, **more):
    return {
        "ghsa_id": f"GHSA-{number:04d}-aaaa-bbbb",
        "cve_id": f"CVE-2026-{1000 + number}",
        "summary": f"Flaw {number}",
        "updated_at": f"2026-07-{day:02d}T00:00:00Z",
        **more,
    }


class Hub:
    """Pages of advisories, linked."""

    def __init__(self, *pages):
        self.pages, self.asked, self.tag = list(pages), [], '"1"'

    def __call__(self, request):
        number = int(request.url.params.get("after", "0"))
        self.asked.append(request)
        if number == 0 and request.headers.get("if-none-match") == self.tag:
            return httpx.Response(304)
        headers = {"ETag": self.tag}
        if number + 1 < len(self.pages):
            headers["Link"] = f'<{BASE}?after={number + 1}>; rel="next", <{BASE}?after=0>; rel="first"'
        return httpx.Response(200, headers=headers, content=json.dumps(self.pages[number]))


def ghsa(hub, **options):
    return Ghsa(fetcher(hub), url=BASE, offload=inline, **options)


def test_the_pages_are_followed_along_their_links_a_few_at_a_time():
    hub = Hub(*[[advisory(number, 28 - number)] for number in range(6)])
    source = ghsa(hub)
    first = source.fetch()
    assert (len(first.fragments), first.again_in is not None) == (4, True)
    second = source.fetch(previous=first.validators)
    assert (len(second.fragments), second.again_in) == (2, None)


def test_later_it_stops_at_what_is_known_and_an_unchanged_first_page_is_enough():
    hub = Hub([advisory(1, 5)], [advisory(2, 4)], [advisory(3, 3)])
    source = ghsa(hub)
    known = source.fetch().validators
    assert source.fetch(previous=known).not_modified is True
    hub.tag, hub.pages = '"2"', [[advisory(9, 9)], [advisory(1, 5)], [advisory(2, 4)]]
    asked = len(hub.asked)
    batch = source.fetch(previous=known)
    assert set(batch.fragments) == {"GHSA-0009-AAAA-BBBB", "GHSA-0001-AAAA-BBBB"}
    assert (len(hub.asked) - asked, batch.again_in) == (2, None)


def test_the_first_reading_ends_after_so_many_pages():
    hub = Hub(*[[advisory(number)] for number in range(40)])
    source, known, fetched = ghsa(hub), None, 0
    while True:
        batch = source.fetch(previous=known)
        fetched, known = fetched + len(batch.fragments), batch.validators
        if batch.again_in is None:
            break
    assert fetched == 10


def test_a_withdrawn_advisory_is_taken_out():
    batch = ghsa(Hub([advisory(1), advisory(2, withdrawn_at="2026-07-02T00:00:00Z")])).fetch()
    assert (set(batch.fragments), batch.removed) == ({"GHSA-0001-AAAA-BBBB"}, ("GHSA-0002-AAAA-BBBB",))


def test_a_score_of_zero_beside_no_vector_is_no_score():
    scores = {"cvss_v3": {"vector_string": None, "score": 0.0}, "cvss_v4": {"vector_string": None, "score": 0.0}}
    (found,) = ghsa(Hub([advisory(1, cvss_severities=scores, severity="moderate")])).fetch().fragments.values()
    assert (found["cvss"], found["rated"]) == (None, "medium")


def test_a_token_is_sent_and_never_to_another_server():
    hub = Hub([advisory(1)], [advisory(2)])
    ghsa(hub, key="secret").fetch()
    assert all(request.headers["authorization"] == "Bearer secret" for request in hub.asked)
    elsewhere = f'<https://evil.example/x>; rel="next"'  # noqa: F541 - as the header has it
    asked = []

    def answer(request):
        asked.append(request.url.host)
        return httpx.Response(200, headers={"Link": elsewhere}, content=json.dumps([advisory(1)]))

    assert ghsa(answer, key="secret").fetch().again_in is None
    assert asked == ["hub.example"]


def test_where_another_address_left_off_is_no_place_to_go_on_and_gets_no_key():
    hub = Hub([advisory(1)])
    elsewhere = Mark(next="https://old.example/advisories?after=7", left=3).written()
    batch = ghsa(hub, key="secret").fetch(previous=Validators("https://old.example/advisories", '"1"', mark=elsewhere))
    assert ([request.url.host for request in hub.asked], batch.not_modified) == (["hub.example"], False)


def test_the_limit_of_the_server_is_kept_before_it_has_to_say_it():
    clock = FakeClock()
    hub = Hub(*[[advisory(number)] for number in range(3)])
    source = ghsa(hub, pace=RequestRate(2, 3600, clock=clock))
    first = source.fetch()
    assert (len(hub.asked), first.again_in) == (2, 3600.0)
    with pytest.raises(RateLimitedError):
        source.fetch(previous=first.validators)
    clock.advance(3600)
    assert len(source.fetch(previous=first.validators).fragments) == 1


def test_the_next_page_is_not_asked_for_before_the_server_wants_it():
    hub = Hub([advisory(1)], [advisory(2)])

    def answer(request):
        return httpx.Response(429, headers={"Retry-After": "600"}) if hub.asked else hub(request)

    batch = ghsa(answer).fetch()
    assert (len(batch.fragments), batch.again_in) == (1, 600.0)


def test_a_spent_limit_says_when_it_ends():
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767225720"}  # two minutes after the clock's start
    with pytest.raises(NetworkError) as caught:
        ghsa(lambda _: httpx.Response(403, headers=headers)).fetch()
    assert (caught.value.asked_to_wait, caught.value.message) == (120.0, "The server asks us to slow down (403).")


UUIDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(14)]


class Feed:
    """A feed of events; `changed` by uuid."""

    def __init__(self, count=3):
        self.changed = dict.fromkeys(UUIDS[:count], 1_700_000_000)
        self.broken, self.damaged, self.asked = set(), set(), []

    def __call__(self, request):
        name = request.url.path.rsplit("/", 1)[1]
        self.asked.append(name)
        if name == "manifest.json":
            tag = f'"{sum(self.changed.values())}"'
            if request.headers.get("if-none-match") == tag:
                return httpx.Response(304)
            events = {uuid: {"timestamp": str(at)} for uuid, at in self.changed.items()}
            return httpx.Response(200, headers={"ETag": tag}, content=json.dumps(events))
        uuid = name.removesuffix(".json")
        if uuid not in self.changed or uuid in self.broken:
            return httpx.Response(404 if uuid not in self.changed else 500)
        if uuid in self.damaged:
            return httpx.Response(200, content=b'{"Event": ')
        event = {"uuid": uuid, "info": f"Event {uuid[-2:]}", "timestamp": str(self.changed[uuid])}
        return httpx.Response(200, content=json.dumps({"Event": event}))


def misp(feed, **options):
    return Misp(fetcher(feed), url="https://misp.example/feed/", offload=inline, **options)


def test_only_events_that_are_new_or_changed_are_fetched():
    feed = Feed()
    source = misp(feed)
    known = source.fetch().validators
    assert source.fetch(previous=known).not_modified is True
    feed.changed[UUIDS[1]] += 1
    feed.changed[UUIDS[3]] = 1_700_000_500
    feed.asked.clear()
    batch = source.fetch(previous=known)
    assert sorted(batch.fragments) == [f"MISP-{UUIDS[1].upper()}", f"MISP-{UUIDS[3].upper()}"]
    assert sum(name.startswith("0000") for name in feed.asked) == 2


def test_an_event_that_left_the_feed_is_taken_out():
    feed = Feed()
    source = misp(feed)
    known = source.fetch().validators
    del feed.changed[UUIDS[0]]
    assert source.fetch(previous=known).removed == (f"MISP-{UUIDS[0].upper()}",)


def test_many_events_come_in_steps():
    feed = Feed(14)
    source = misp(feed)
    first = source.fetch()
    assert (len(first.fragments), first.again_in) == (10, 0.5)
    second = source.fetch(previous=first.validators)
    assert (len(second.fragments), second.again_in) == (4, None)


def test_a_damaged_event_is_counted_and_asked_for_again():
    feed = Feed()
    feed.broken = {UUIDS[1]}
    source = misp(feed)
    first = source.fetch()
    assert (len(first.fragments), first.skipped) == (2, 1)
    feed.broken = set()
    assert list(source.fetch(previous=first.validators).fragments) == [f"MISP-{UUIDS[1].upper()}"]


@pytest.mark.parametrize("fault", ["broken", "damaged"])
def test_a_feed_of_which_no_event_can_be_had_has_failed(fault):
    feed = Feed()
    setattr(feed, fault, set(UUIDS))
    with pytest.raises(NetworkError):
        misp(feed).fetch()
    assert len(feed.asked) < 6


@pytest.mark.parametrize("damaged", [2, 5, 12])
def test_events_that_are_damaged_keep_no_other_away_however_many_they_are(damaged):
    """The newest come first, so that a few large ones at the top of a feed would be all that is ever asked for."""
    feed = Feed(14)
    feed.changed = {uuid: 1_700_000_000 - at for at, uuid in enumerate(UUIDS)}
    feed.damaged = set(UUIDS[:damaged])
    source, known, got = misp(feed), None, {}
    for _ in range(3):
        batch = source.fetch(previous=known)
        got, known = got | batch.fragments, batch.validators
        if batch.again_in is None:
            break
    assert len(got) == 14 - damaged
    feed.damaged = set()
    assert len(source.fetch(previous=known).fragments) == min(damaged, 10)


def test_one_new_event_that_is_damaged_does_not_make_a_feed_fail_that_is_well():
    feed = Feed()
    source = misp(feed)
    known = source.fetch().validators
    feed.changed[UUIDS[3]] = 1_700_000_500
    feed.damaged = {UUIDS[3]}
    batch = source.fetch(previous=known)
    assert (batch.fragments, batch.skipped, batch.again_in) == ({}, 1, None)
    assert source.fetch(previous=batch.validators).skipped == 1


def test_no_further_event_is_asked_for_where_the_server_wants_time():
    feed = Feed(14)

    def answer(request):
        busy = sum(name.startswith("0000") for name in feed.asked) >= 3
        return httpx.Response(429, headers={"Retry-After": "90"}) if busy else feed(request)

    batch = misp(answer).fetch()
    assert (len(batch.fragments), batch.again_in) == (3, 90.0)


def attribute(kind, value, to_ids=True, **more):
    return {"type": kind, "value": value, "to_ids": to_ids, **more}


def indicators(*attributes, objects=()):
    event = {"uuid": UUIDS[0], "info": "x", "Attribute": attributes, "Object": objects}
    return parse_event(json.dumps({"Event": event}).encode()).fragment["indicators"]


def test_what_is_deleted_is_gone_alone_or_with_its_object():
    gone = {"deleted": True, "Attribute": [attribute("domain", "b.example")]}
    kept = {"deleted": False, "Attribute": [attribute("domain", "c.example")]}
    found = indicators(attribute("domain", "a.example", deleted=True), objects=[gone, kept])
    assert found == [{"type": "domain", "value": "c[.]example"}]


def test_what_its_author_gives_as_context_comes_last_and_says_so():
    found = indicators(attribute("ip-dst", "192.0.2.53", to_ids=False), attribute("domain", "a.example"))
    assert found == [
        {"type": "domain", "value": "a[.]example"},
        {"type": "ip", "value": "192[.]0[.]2[.]53", "use": "context"},
    ]


def test_values_that_are_two_are_taken_apart_and_an_address_with_its_port_is_one():
    assert indicators(attribute("ip-dst|port", "192.0.2.1|443"), attribute("malware-sample", "a.exe|" + "0" * 32)) == [
        {"type": "ip:port", "value": "192[.]0[.]2[.]1:443"},
        {"type": "filename", "value": "a.exe"},
        {"type": "md5", "value": "0" * 32},
    ]


def test_without_an_address_nothing_is_asked():
    source = Misp(fetcher(Feed()), url=None)
    assert source.needs == "JUPITER_SOURCE_MISP_URL"
    with pytest.raises(NotConfiguredError):
        source.fetch()


def test_a_mark_that_cannot_be_read_is_a_beginning():
    assert len(misp(Feed()).fetch(previous=Validators("u", mark="nonsense")).fragments) == 3
