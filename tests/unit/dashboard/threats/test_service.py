"""The threat service: always an answer, always with its age, and never two rounds at once."""

import logging

import pytest

from backend.errors import NetworkError, UpstreamRejectedError, ValidationError
from backend.schemas.threats import ThreatsUpdateSchema
from backend.sources.base import ThreatBatch, Validators
from tests.unit.dashboard.source_fakes import FakeScores, FakeSource, World, by_name, catalogue, inline, scores

A, B = "CVE-2026-1000", "CVE-2026-1001"
UNCHANGED = ThreatBatch(not_modified=True, validators=Validators("u", '"1"'))


def down(text="The server refused the connection."):
    return NetworkError("down", message=text)


def valid(payload):
    assert ThreatsUpdateSchema().validate(payload) == {}
    return payload


def test_records_of_the_catalogue_carry_their_scores():
    world = World(FakeSource("cisa_kev", catalogue(A, B)), FakeScores(scores(CVE_2026_1001=0.7)))
    assert world.threats.refresh() is True
    payload = valid(world.threats.query())
    assert [(each["id"], each["epss"], each["severity"]) for each in payload["threats"]] == [
        (B, 0.7, "critical"),
        (A, None, "high"),
    ]
    assert (payload["success"], payload["stale"], payload["count"], payload["total"]) == (True, False, 2, 2)
    assert payload["as_of"] == world.clock.now().isoformat()
    assert payload["ttl"] == 7200
    assert "message" not in payload
    assert {name: (e["status"], e["records"]) for name, e in by_name(payload).items()} == {
        "cisa_kev": ("live", 2),
        "epss": ("live", 1),
    }


def test_scores_are_asked_for_exactly_the_ids_of_the_catalogue():
    epss = FakeScores(scores(CVE_2026_1000=0.1))
    world = World(FakeSource("cisa_kev", catalogue(A, B)), epss)
    world.threats.refresh()
    assert set(epss.asked[0]["wanted"]) == {A, B}


def test_before_the_first_answer_it_says_that_it_is_loading():
    payload = valid(World(FakeSource("cisa_kev", catalogue(A))).threats.query())
    assert (payload["success"], payload["threats"], payload["as_of"], payload["stale"]) == (False, [], None, True)
    assert payload["message"] == "The first load is under way."
    assert by_name(payload)["cisa_kev"]["status"] == "loading"


def test_when_nothing_was_ever_loaded_the_ledger_says_why_and_what_to_do():
    epss = FakeScores(scores())
    world = World(FakeSource("cisa_kev", down()), epss)
    world.threats.refresh()
    payload = valid(world.threats.query())
    assert (payload["success"], payload["threats"]) == (False, [])
    assert payload["message"] == "No threats could be loaded yet. CISA_KEV: The server refused the connection."
    assert "python run.py demo" in payload["suggestion"]
    ledger = by_name(payload)
    assert ledger["cisa_kev"]["status"] == ledger["epss"]["status"] == "error"
    assert "JUPITER_SOURCE_FAKE_URL" in ledger["cisa_kev"]["suggestion"]
    assert epss.asked == []


def test_without_any_source_it_says_which_to_switch_on():
    payload = valid(World().threats.query())
    assert payload["message"] == "No source of threats is switched on."
    assert "JUPITER_SOURCES" in payload["suggestion"]


def test_after_a_failure_the_last_good_list_is_shown_as_stale():
    world = World(FakeSource("cisa_kev", catalogue(A), down()))
    world.threats.refresh()
    loaded = world.clock.now()
    world.clock.advance(3600)
    world.threats.refresh()
    payload = valid(world.threats.query())
    assert (payload["success"], payload["stale"], payload["count"]) == (True, True, 1)
    assert payload["as_of"] == loaded.isoformat()
    assert payload["message"].startswith("Service temporarily degraded, showing cached data.")
    assert "CISA_KEV: The server refused the connection." in payload["message"]
    entry = by_name(payload)["cisa_kev"]
    assert (entry["status"], entry["records"]) == ("stale", 1)
    assert entry["next_try"] > world.clock.now().isoformat()


def test_data_that_nobody_confirms_goes_stale_by_its_age():
    world = World(FakeSource("cisa_kev", catalogue(A)))
    world.threats.refresh()
    world.clock.advance(7200)
    assert world.threats.query()["stale"] is False
    world.clock.advance(1)
    payload = world.threats.query()
    assert payload["stale"] is True
    assert "not confirmed for too long" in payload["message"]


def test_an_unchanged_catalogue_confirms_what_is_shown():
    kev = FakeSource("cisa_kev", catalogue(A), UNCHANGED)
    world = World(kev)
    world.threats.refresh()
    world.clock.advance(3600)
    world.threats.refresh()
    payload = world.threats.query()
    assert kev.asked[1]["previous"] == Validators("u", '"1"')
    assert (payload["as_of"], payload["count"]) == (world.clock.now().isoformat(), 1)
    assert by_name(payload)["cisa_kev"]["records"] == 1


def test_a_new_day_moves_the_priorities_though_nothing_else_changed():
    world = World(FakeSource("cisa_kev", catalogue(A), UNCHANGED))
    world.threats.refresh()
    assert "Added yesterday" in world.threats.query()["threats"][0]["priority_reasons"]
    world.clock.advance(86_400)
    world.threats.refresh()
    assert "Added 2 days ago" in world.threats.query()["threats"][0]["priority_reasons"]


def test_missing_scores_make_the_list_partial_not_stale():
    world = World(FakeSource("cisa_kev", catalogue(A)), FakeScores(down("The server answered with error 500.")))
    world.threats.refresh()
    payload = valid(world.threats.query())
    assert (payload["success"], payload["stale"]) == (True, False)
    assert payload["message"] == "EPSS is missing: The server answered with error 500."
    assert by_name(payload)["epss"]["status"] == "error"
    assert world.guards.feature_status()["threat_intelligence"]["enabled"] is True


def test_five_failures_open_the_breaker_and_the_next_try_is_when_it_closes():
    kev = FakeSource("cisa_kev", catalogue(A), down())
    world = World(kev)
    world.threats.refresh()
    world.clock.advance(5)
    for _ in range(5):
        world.threats.refresh(force=True)
        world.clock.advance(1)
    entry = by_name(world.threats.query())["cisa_kev"]
    assert entry["circuit_breaker"] == "open"
    assert len(kev.asked) == 6
    assert world.guards.feature_status()["threat_intelligence"]["enabled"] is False
    world.threats.refresh(force=True)
    entry = by_name(world.threats.query())["cisa_kev"]
    assert len(kev.asked) == 6
    assert entry["error"] == "The server refused the connection."
    assert 58 < (world.threats._board.keepers[0].delay()) <= 60.1


def test_a_switched_off_feature_is_shown_as_such_and_comes_back():
    kev = FakeSource("cisa_kev", catalogue(A))
    world = World(kev)
    world.guards.degradation.disable_feature("threat_intelligence", "maintenance", author="ann")
    world.threats.refresh()
    assert by_name(world.threats.query())["cisa_kev"]["status"] == "disabled"
    assert kev.asked == []
    world.guards.degradation.enable_feature("threat_intelligence", author="ann")
    world.threats.refresh(force=True)
    assert by_name(world.threats.query())["cisa_kev"]["status"] == "live"


def test_a_forced_query_asks_first():
    kev = FakeSource("cisa_kev", catalogue(A), catalogue(A, B))
    world = World(kev)
    world.threats.refresh()
    world.clock.advance(10)
    assert world.threats.query()["total"] == 1
    assert world.threats.query({"force_refresh": True})["total"] == 2


def test_a_list_that_is_fresh_to_the_moment_is_not_asked_for_again():
    kev = FakeSource("cisa_kev", catalogue(A))
    world = World(kev)
    world.threats.refresh()
    world.threats.refresh(force=True)
    assert len(kev.asked) == 1


@pytest.mark.parametrize(("every", "asked"), [(7200.0, 3), (300.0, 3), (30.0, 12), (3.0, 120)])
def test_an_impatient_reader_does_not_have_a_server_asked_all_the_time(every, asked):
    """Ten times a second for twelve seconds; one that is asked every few seconds anyway may be asked as often."""
    kev = FakeSource("cisa_kev", catalogue(A), refresh_seconds=every)
    world = World(kev)
    for _ in range(120):
        world.threats.refresh(force=True)
        world.clock.advance(0.1)
    assert len(kev.asked) == asked


def test_only_sources_that_are_due_are_asked_without_force():
    kev = FakeSource("cisa_kev", catalogue(A))
    world = World(kev)
    world.threats.refresh()
    world.clock.advance(3599)
    world.threats.refresh()
    assert len(kev.asked) == 1
    world.clock.advance(1)
    world.threats.refresh()
    assert len(kev.asked) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"severity": "terrible"}, "severity"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"search": "x" * 201}, "search"),
        ({"search": 7}, "search"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"ransomware": "perhaps"}, "ransomware"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_filter_is_named(query, field):
    with pytest.raises(ValidationError) as caught:
        World(FakeSource("cisa_kev", catalogue(A))).threats.query(query)
    assert field in caught.value.details


def test_filters_that_were_checked_already_and_empty_ones_are_taken():
    world = World(FakeSource("cisa_kev", catalogue(A)))
    world.threats.refresh()
    checked = {"severity": None, "source": None, "search": None, "limit": 10, "cursor": None, "force_refresh": False}
    assert world.threats.query(checked)["count"] == 1
    assert world.threats.query({"search": "", "severity": "", "cursor": "", "ransomware": ""})["count"] == 1


def test_an_answer_that_cannot_be_worked_on_is_told_recorded_and_survived(caplog):
    world = World(FakeSource("cisa_kev", catalogue(A), ThreatBatch({B: {"date_added": 7}}), catalogue(A, B)))
    world.threats.refresh()
    with caplog.at_level(logging.ERROR, "jupiter.threats"):
        world.threats.refresh(force=False)
        world.clock.advance(5)
        world.threats.refresh(force=True)
    payload = world.threats.query()
    assert (payload["count"], payload["stale"]) == (1, True)
    assert world.guards.aggregator.get_error_stats()["errors_by_type"] == {"threat_intelligence_failure": 1}
    assert len([line for line in caplog.records if line.levelname == "ERROR"]) == 1
    world.threats.refresh(force=True)
    assert world.threats.query()["total"] == 2


def test_a_fault_in_a_sources_own_code_is_survived_too():
    world = World(FakeSource("cisa_kev", KeyError("bug"), catalogue(A)))
    world.threats.refresh()
    assert by_name(world.threats.query())["cisa_kev"]["error"].startswith("Its answer could not be worked on")
    world.threats.refresh(force=True)
    assert world.threats.query()["success"] is True


def test_a_source_that_was_never_reached_is_logged_quietly_and_once(caplog):
    world = World(FakeSource("cisa_kev", down()))
    with caplog.at_level(logging.INFO, "jupiter.threats"):
        for _ in range(4):
            world.threats.refresh()
            world.clock.advance(3600)
    lines = [line for line in caplog.records if line.name == "jupiter.threats"]
    assert [line.levelname for line in lines] == ["INFO"]
    assert lines[0].getMessage() == "🔍 CISA_KEV: The server refused the connection. Next try in 5 s"


def test_a_source_that_fails_later_is_a_warning_once_and_its_return_a_line(caplog):
    world = World(FakeSource("cisa_kev", catalogue(A), down(), down(), down(), catalogue(A)))
    with caplog.at_level(logging.INFO, "jupiter.threats"):
        for _ in range(5):
            world.threats.refresh()
            world.clock.advance(3600)
    levels = [(line.levelname, line.getMessage()[0]) for line in caplog.records if line.name == "jupiter.threats"]
    assert levels == [("INFO", "✅"), ("WARNING", "⚠"), ("INFO", "✅")]


def test_subscribers_get_the_default_view_after_each_change():
    world = World(
        FakeSource("cisa_kev", catalogue(A), UpstreamRejectedError("403")), FakeScores(scores(CVE_2026_1000=0.2))
    )
    told = []
    stop = world.threats.subscribe(told.append)
    world.threats.refresh()
    assert [(payload["success"], payload["threats"][0]["epss"]) for payload in told] == [(True, None), (True, 0.2)]
    world.clock.advance(3600)
    world.threats.refresh()
    assert told[-1]["stale"] is True
    stop()
    count = len(told)
    world.threats.refresh(force=True)
    assert len(told) == count


def test_the_chat_finds_records_with_the_age_of_their_own_sources():
    down = NetworkError("down", message="The server refused.")
    world = World(FakeSource("cisa_kev", catalogue(A, B), down), FakeSource("ghsa", catalogue(A, "GHSA-1")))
    world.threats.refresh()
    loaded = world.clock.now()
    world.clock.advance(86_400)
    world.threats.refresh()
    found = world.threats.find(ids=[B, A, "GHSA-1"])
    assert [(each["id"], each["as_of"]) for each in found] == [
        (B, loaded.isoformat()),
        (A, loaded.isoformat()),
        ("GHSA-1", world.clock.now().isoformat()),
    ]
    assert all(each["as_of"] == world.threats.get(each["id"])["as_of"] for each in found)
    assert len(world.threats.find(text="oracle suite", limit=1)) == 1
    assert len(world.threats.find()) == 3


def test_names_are_the_same_object_until_they_change():
    world = World(FakeSource("cisa_kev", catalogue(A), catalogue(A, B), catalogue(A, vendor="Cisco")))
    world.threats.refresh()
    names = world.threats.names()
    assert set(names) == {"oracle", "e-business suite"}
    world.threats.refresh()
    world.clock.advance(3600)
    world.threats.refresh()
    assert world.threats.names() is names
    world.clock.advance(3600)
    world.threats.refresh()
    assert "cisco" in world.threats.names()
    assert world.threats.has(A)
    assert not world.threats.has(B)


def test_joining_is_done_where_it_is_told_to():
    done = []

    def offload(func, *args, **kwargs):
        done.append(func.__name__)
        return inline(func, *args, **kwargs)

    world = World(FakeSource("cisa_kev", catalogue(A)))
    world.threats._join._offload = offload
    world.threats.refresh()
    assert done == ["_held", "joined", "_indexed"]
