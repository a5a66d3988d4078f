"""What several sources say of one threat is one record, with what each of them has said."""

import gc
from dataclasses import replace
from datetime import date, timedelta

import pytest

from backend.dashboard.threats.aliases import same_threats
from backend.dashboard.threats.join import ThreatJoin
from backend.dashboard.threats.merge import merge
from backend.dashboard.threats.snapshot import take_snapshot
from backend.errors import NetworkError, NotFoundError, RateLimitedError
from backend.resilience.testing import FakeClock
from backend.schemas.threats import ThreatDetailSchema
from backend.sources.base import ThreatBatch, Validators
from tests.unit.dashboard.source_fakes import (
    NOW,
    FakeScores,
    FakeSource,
    World,
    by_name,
    catalogue,
    fragment,
    inline,
    item,
    news,
    scores,
)

TODAY = date(2026, 7, 16)
CVE, GHSA = "CVE-2026-1000", "GHSA-AAAA-BBBB-CCCC"
NVD_SCORE = {"version": "3.1", "vector": None, "score": 9.8, "severity": "critical", "source": "NVD", "primary": True}
HUB_SCORE = {**NVD_SCORE, "version": "4.0", "score": 9.3, "source": "GitHub", "primary": False}
NVD = {"derived_title": "A flaw in", "summary": "Long.", "cvss": NVD_SCORE, "updated": "2026-07-16T01:00:00+00:00"}
ADVISORY = {
    "aliases": [CVE],
    "title": "Injection in x",
    "cvss": HUB_SCORE,
    "rated": "high",
    "url": "https://g.example/",
}


def four(kev=None):
    """KEV, GitHub, NVD and EPSS about the same CVE."""
    return World(
        FakeSource("cisa_kev", ThreatBatch({CVE: kev or fragment()})),
        FakeSource("ghsa", ThreatBatch({GHSA: ADVISORY}, delta=True)),
        FakeSource("nvd", ThreatBatch({CVE: NVD}, delta=True)),
        FakeScores(scores(CVE_2026_1000=0.7)),
    )


def test_the_same_threat_from_four_sources_is_one_record_with_four_provenances():
    world = four()
    world.threats.refresh()
    (record,) = world.threats.query()["threats"]
    assert (record["id"], record["aliases"]) == (CVE, [GHSA])
    assert record["sources"] == ["cisa_kev", "ghsa", "nvd", "epss"]
    assert (record["title"], record["epss"], record["cvss"]) == ("Oracle Suite Flaw", 0.7, NVD_SCORE)
    found = world.threats.get(GHSA.lower())
    assert ThreatDetailSchema().validate(found) == {}
    said = {each["source"]: each for each in found["provenance"]}
    assert list(said) == ["cisa_kev", "ghsa", "nvd", "epss"]
    assert {each["as_of"] for each in said.values()} == {NOW.isoformat()}
    assert (said["ghsa"]["url"], said["ghsa"]["cvss"]["score"]) == ("https://g.example/", 9.3)
    assert said["nvd"]["url"] == f"https://nvd.nist.gov/vuln/detail/{CVE}"
    assert "epss" in said["epss"]["says"]
    assert found["stale"] is False


def test_a_threat_that_nobody_knows_is_not_found():
    world = four()
    world.threats.refresh()
    with pytest.raises(NotFoundError):
        world.threats.get("CVE-1999-0001")


def test_names_are_joined_over_a_third_and_the_cve_leads():
    given = [("a", {GHSA: {"aliases": [CVE]}}), ("b", {"OTX-1": {"aliases": [GHSA]}}), ("c", {CVE: {}})]
    assert same_threats(given) == {GHSA: CVE, "OTX-1": CVE}


def test_a_title_cut_out_of_a_description_gives_way_to_a_real_one():
    alone = merge([("nvd", {CVE: NVD})], [], TODAY)[0]
    assert alone["title"] == "A flaw in"
    both = merge([("nvd", {CVE: NVD}), ("ghsa", {GHSA: ADVISORY})], [], TODAY)[0]
    assert both["title"] == "Injection in x"


def test_the_severity_comes_from_the_score_then_from_words_and_is_raised_where_it_is_exploited():
    low = {**NVD_SCORE, "score": 3.1, "severity": "low"}
    assert merge([("nvd", {CVE: {**NVD, "cvss": low}})], [], TODAY)[0]["severity"] == "low"
    raised = merge([("nvd", {CVE: {**NVD, "cvss": low, "known_exploited": True}})], [], TODAY)[0]
    assert (raised["severity"], raised["severity_basis"]) == ("high", "Known to be exploited; CVSS 3.1 score 3.1")
    rated = merge([("ghsa", {GHSA: {**ADVISORY, "cvss": None}})], [], TODAY)[0]
    assert (rated["severity"], rated["severity_basis"]) == ("high", "Rated high by GitHub")


def test_records_are_made_anew_only_where_something_is_said_anew():
    fragments = {f"CVE-2026-{n}": fragment() for n in range(1000, 1100)}
    before = take_snapshot([("cisa_kev", fragments)], [], TODAY)
    after = take_snapshot([("cisa_kev", {**fragments, CVE: fragment(title="New")})], [], TODAY, before=before)
    same = sum(after.entries[name] is before.entries[name] for name in fragments)
    assert same == 99
    assert after.entries[CVE].record["title"] == "New"


def test_what_is_new_is_added_what_is_withdrawn_goes_and_the_oldest_gives_way():
    join = ThreatJoin([FakeSource("nvd", None)], most=3, clock=FakeClock(NOW), offload=inline)

    def give(*names, removed=()):
        fragments = {name: {"title": name, "updated": f"2026-07-{name[-2:]}T00:00:00+00:00"} for name in names}
        join.accept("nvd", ThreatBatch(fragments, delta=True, removed=removed))
        return sorted(join.ids())

    assert give("CVE-2026-1001", "CVE-2026-1002") == ["CVE-2026-1001", "CVE-2026-1002"]
    assert give("CVE-2026-1005", removed=("CVE-2026-1001",)) == ["CVE-2026-1002", "CVE-2026-1005"]
    assert give("CVE-2026-1009", "CVE-2026-1007") == ["CVE-2026-1005", "CVE-2026-1007", "CVE-2026-1009"]


def test_no_collection_begins_between_the_two_steps_of_a_join():
    steps = []

    def offload(func, *args, **kwargs):
        steps.append((func.__name__, gc.isenabled()))
        return inline(func, *args, **kwargs)

    join = ThreatJoin([FakeSource("cisa_kev", None)], clock=FakeClock(NOW), offload=offload)
    join.accept("cisa_kev", catalogue(CVE))
    assert steps[1:] == [("joined", False), ("_indexed", False)]
    assert gc.isenabled()


def test_scores_go_with_their_records():
    kev, epss = FakeSource("cisa_kev", None), FakeScores(None)
    join = ThreatJoin([kev, epss], clock=FakeClock(NOW), offload=inline)
    join.accept("cisa_kev", catalogue(CVE, "CVE-2026-1001"))
    join.accept("epss", replace(scores(CVE_2026_1000=0.1, CVE_2026_1001=0.2), delta=True))
    join.accept("cisa_kev", catalogue(CVE, "CVE-2026-1002"))
    join.accept("epss", replace(scores(CVE_2026_1002=0.3), delta=True))
    assert set(join.given("epss")) == {CVE, "CVE-2026-1002"}


def test_the_known_exploited_are_the_last_to_give_way():
    join = ThreatJoin([FakeSource("nvd", None)], most=1, clock=FakeClock(NOW), offload=inline)
    join.accept("nvd", ThreatBatch({CVE: {"title": "x", "known_exploited": True}}, delta=True))
    join.accept("nvd", ThreatBatch({"CVE-2026-2000": {"title": "y", "updated": "2026-07-16"}}, delta=True))
    assert join.ids() == (CVE,)


def test_the_talk_of_the_community_is_part_of_the_priority():
    world = four()
    world.threats.refresh()
    before = world.threats.get(CVE)["priority"]
    told = []
    world.threats.subscribe(told.append)
    world.threats.hear({CVE: 3, "CVE-1999-0001": 9})
    after = world.threats.get(CVE)
    assert after["priority"] == before + 3
    assert "Named 3 times by the community within a day" in after["priority_reasons"]
    assert len(told) == 1
    world.threats.hear({CVE: 3})
    assert len(told) == 1


def test_the_talk_is_that_of_all_items_of_the_last_day_and_of_no_day_before():
    items = [item(f"Flaw {n}", f"k{n}", ids=(f"CVE-2025-{2000 + n}",)) for n in range(60)]
    world = World(
        FakeSource("cisa_kev", catalogue(CVE)), pulse=[FakeSource("feed:a", news(*items, item("x", ids=(CVE,))))]
    )
    world.threats.refresh()
    world.pulse.refresh()
    assert CVE not in [topic["topic"] for topic in world.pulse.query()["topics"]]
    assert world.pulse.mentions()[CVE] == 1
    world.threats.hear(world.pulse.mentions())
    assert "Named once by the community within a day" in world.threats.get(CVE)["priority_reasons"]
    world.clock.advance(timedelta(days=2).total_seconds())
    assert (world.pulse.query()["items_total"], world.pulse.mentions()) == (61, {})
    world.threats.hear(world.pulse.mentions())
    assert not any("community" in reason for reason in world.threats.get(CVE)["priority_reasons"])


@pytest.mark.parametrize("answer", [ThreatBatch(not_modified=True), NetworkError("down", message="Down.")])
def test_records_grow_older_whatever_their_source_answers(answer):
    world = World(FakeSource("cisa_kev", catalogue(CVE, date_added="2026-07-16"), answer))
    world.threats.refresh()
    assert "Added today" in world.threats.get(CVE)["priority_reasons"]
    before = world.threats.get(CVE)["priority"]
    world.clock.advance(timedelta(days=6).total_seconds())
    world.threats.refresh()
    record = world.threats.get(CVE)
    assert "Added 6 days ago" in record["priority_reasons"]
    assert record["priority"] == before - 3


def test_a_record_is_two_again_when_the_alias_between_them_is_withdrawn():
    names = ("nvd", "ghsa", "otx")
    join = ThreatJoin([FakeSource(name, None) for name in names], clock=FakeClock(NOW), offload=inline)
    join.accept("nvd", ThreatBatch({CVE: NVD}, delta=True))
    join.accept("otx", ThreatBatch({"OTX-1": {"title": "Storm", "aliases": [GHSA]}}, delta=True))
    join.accept("ghsa", ThreatBatch({GHSA: ADVISORY}, delta=True))
    assert (join.ids(), set(join.search("storm injection"))) == ((CVE,), set())
    assert join.snapshot.records[join.snapshot.by_id["OTX-1"]]["sources"] == list(names)
    join.accept("ghsa", ThreatBatch(delta=True, removed=(GHSA,)))
    parted = {record["id"]: (record["sources"], record["aliases"]) for record in join.snapshot.records}
    assert parted == {CVE: (["nvd"], []), GHSA: (["otx"], ["OTX-1"])}
    assert set(join.search("storm")) == {GHSA}


def test_a_record_that_the_nvd_rejects_later_goes_and_stays_where_others_know_it():
    join = ThreatJoin([FakeSource(name, None) for name in ("cisa_kev", "nvd")], clock=FakeClock(NOW), offload=inline)
    join.accept("nvd", ThreatBatch({CVE: NVD, "CVE-2026-2000": NVD}, delta=True))
    join.accept("cisa_kev", catalogue(CVE))
    join.accept("nvd", ThreatBatch(delta=True, removed=(CVE, "CVE-2026-2000")))
    assert [(record["id"], record["sources"], record["cvss"]) for record in join.snapshot.records] == [
        (CVE, ["cisa_kev"], None)
    ]


def test_a_failing_catalogue_leaves_the_others_and_the_list_says_which_is_missing():
    world = four()
    world.threats.refresh()
    world.threats._board.keepers[2].source.answers = [NetworkError("down", message="The server refused.")]
    world.clock.advance(3600)
    world.threats.refresh()
    payload = world.threats.query()
    assert (payload["success"], payload["stale"]) == (True, True)
    assert {name: entry["status"] for name, entry in by_name(payload).items()} == {
        "cisa_kev": "live",
        "ghsa": "live",
        "nvd": "stale",
        "epss": "live",
    }
    assert "NVD: The server refused." in payload["message"]
    assert world.threats.get(CVE)["stale"] is True


def test_the_feature_goes_off_only_when_no_essential_catalogue_works():
    down = NetworkError("down", message="The server refused.")
    kev, nvd = FakeSource("cisa_kev", down), FakeSource("nvd", catalogue(CVE))
    world = World(kev, nvd)
    for _ in range(6):
        world.threats.refresh(force=True)
        world.clock.advance(1)
    assert world.guards.feature_status()["threat_intelligence"]["enabled"] is True
    nvd.answers = [down]
    world.clock.advance(5)
    for _ in range(6):
        world.threats.refresh(force=True)
        world.clock.advance(1)
    assert world.guards.feature_status()["threat_intelligence"]["enabled"] is False


def test_a_source_that_only_adds_makes_the_list_partial_not_stale():
    misp = FakeSource("misp", NetworkError("down", message="The server refused."), essential=False)
    world = World(FakeSource("cisa_kev", catalogue(CVE)), misp)
    world.threats.refresh()
    payload = world.threats.query()
    assert (payload["stale"], payload["message"]) == (False, "MISP is missing: The server refused.")


def test_a_source_that_lacks_a_key_is_not_asked_and_says_what_it_needs():
    otx = FakeSource("otx", catalogue("OTX-1"), essential=False)
    otx.needs = "JUPITER_SOURCE_OTX_KEY"
    world = World(FakeSource("cisa_kev", catalogue(CVE)), otx)
    world.threats.refresh(force=True)
    payload = world.threats.query()
    entry = by_name(payload)["otx"]
    assert (entry["status"], entry["next_try"], entry["records"]) == ("not_configured", None, 0)
    assert "JUPITER_SOURCE_OTX_KEY" in entry["suggestion"]
    assert (otx.asked, payload["stale"], "message" in payload) == ([], False, False)


def test_a_source_with_more_to_give_is_asked_again_soon_and_from_its_mark():
    more = ThreatBatch({CVE: NVD}, delta=True, validators=Validators("u", mark="half"), again_in=6.0)
    rest = ThreatBatch({"CVE-2026-2000": NVD}, delta=True, validators=Validators("u", mark="end"))
    nvd = FakeSource("nvd", more, rest)
    world = World(nvd)
    world.threats.refresh()
    assert world.threats._board.keepers[0].delay() == 6.0
    world.clock.advance(6)
    world.threats.refresh()
    assert nvd.asked[1]["previous"].mark == "half"
    assert world.threats.query()["total"] == 2
    assert world.threats._board.keepers[0].delay() == 3600.0


def test_our_own_limit_for_a_source_is_no_failure_of_its():
    nvd = FakeSource("nvd", catalogue(CVE), RateLimitedError("later", retry_after=12.0))
    world = World(nvd)
    world.threats.refresh()
    for _ in range(8):
        world.clock.advance(3600)
        world.threats.refresh()
    entry = by_name(world.threats.query())["nvd"]
    assert (entry["circuit_breaker"], "error" in entry) == ("closed", False)
    assert world.threats._board.keepers[0].delay() == 12.0
    assert world.guards.aggregator.get_error_stats()["total_errors"] == 0


def test_a_source_that_asks_for_time_is_not_asked_sooner_by_an_impatient_reader():
    nvd = FakeSource("nvd", NetworkError("slow", upstream_status=403, retry_after=30))
    world = World(nvd)
    world.threats.refresh()
    world.clock.advance(10)
    world.threats.refresh(force=True)
    assert len(nvd.asked) == 1
    world.clock.advance(21)
    world.threats.refresh(force=True)
    assert len(nvd.asked) == 2


def test_scores_are_asked_for_new_records_only_until_all_are_due():
    kev = FakeSource("cisa_kev", catalogue(CVE), catalogue(CVE, "CVE-2026-1001", "OTX-1"))
    epss = FakeScores(scores(CVE_2026_1000=0.1), scores(CVE_2026_1001=0.9), refresh_seconds=21_600.0)
    world = World(kev, epss)
    world.threats.refresh()
    world.clock.advance(3600)
    world.threats.refresh()
    world.threats._board.keepers[1].attempt()
    assert [set(asked["wanted"]) for asked in epss.asked] == [{CVE}, {"CVE-2026-1001"}]
    assert {r["id"]: r["epss"] for r in world.threats.query()["threats"]} == {
        CVE: 0.1,
        "CVE-2026-1001": 0.9,
        "OTX-1": None,
    }
    world.clock.advance(timedelta(hours=6).total_seconds())
    world.threats._board.keepers[1].attempt()
    assert set(epss.asked[-1]["wanted"]) == {CVE, "CVE-2026-1001"}


def test_many_scores_are_asked_for_in_steps_that_add_up_and_a_step_that_fails_loses_only_itself():
    ids = [f"CVE-2026-{n}" for n in range(1000, 1025)]
    down = NetworkError("slow", message="Too slow.")

    def answer(wanted, **_):
        if len(epss.asked) == 2:
            raise down
        return ThreatBatch({name: {"epss": len(epss.asked) / 100, "percentile": 0.5} for name in wanted})

    epss = FakeScores(answer, refresh_seconds=21_600.0)
    epss.at_once = 10
    world = World(FakeSource("cisa_kev", catalogue(*ids)), epss)
    keeper = world.threats._board.keepers[1]

    def scored():
        return [r["epss"] for r in world.threats.query({"limit": 200})["threats"] if r["epss"] is not None]

    world.threats.refresh()
    assert (len(scored()), keeper.delay()) == (10, 0.5)
    keeper.attempt()
    assert (len(scored()), keeper.line.status) == (10, "stale")
    keeper.attempt()
    keeper.attempt()
    assert (len(scored()), keeper.delay(), keeper.line.status) == (25, 21_600.0, "live")
    assert [len(asked["wanted"]) for asked in epss.asked] == [10, 10, 10, 5]
    world.clock.advance(21_600)
    for _ in range(3):
        keeper.attempt()
    assert [len(asked["wanted"]) for asked in epss.asked[4:]] == [10, 10, 5]
    assert sorted(set(scored())) == [0.05, 0.06, 0.07]
