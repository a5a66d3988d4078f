"""The pulse service: live only when all that it shows is."""

from datetime import timedelta

import pytest

from backend.errors import NetworkError, ValidationError
from backend.schemas.pulse import PulseItemsSchema, PulseUpdateSchema
from backend.sources.base import PulseBatch, Validators
from tests.unit.dashboard.source_fakes import NOW, FakeSource, World, by_name, catalogue, item, news

OLD = NOW - timedelta(days=357)
UNCHANGED = PulseBatch(not_modified=True, validators=Validators("u", '"1"'))


def down(text="The server refused the connection."):
    return NetworkError("down", message=text)


def feed(name, *answers):
    return FakeSource(f"feed:{name}", *answers, refresh_seconds=300.0)


def asked(world, query=None):
    payload = world.pulse.query(query)
    assert PulseUpdateSchema().validate(payload) == {}
    return payload


def test_while_the_first_load_is_under_way_nothing_pretends_to_be_live():
    payload = asked(World(pulse=[feed("a", news())]))
    assert (payload["status"], payload["stale"], payload["topics"]) == ("stale", True, [])
    assert payload["message"] == "The first load is under way."
    assert by_name(payload)["feed:a"]["status"] == "loading"


def test_topics_of_sources_that_answered_are_live():
    world = World(
        pulse=[
            feed("a", news(item("SharePoint attack wave", "1"), title="A News")),
            feed("b", news(item("SharePoint attack wave", "2"))),
        ]
    )
    assert world.pulse.refresh() is True
    payload = asked(world)
    assert (payload["status"], payload["stale"], payload["window"], payload["items_total"]) == ("live", False, "24h", 2)
    assert (payload["as_of"], payload["ttl"]) == (NOW.isoformat(), 600.0)
    assert payload["window_end"] == NOW.isoformat()
    topic = payload["topics"][0]
    assert (topic["topic"], topic["sources"], topic["source_names"]) == (
        "SharePoint attack wave",
        2,
        ["A News", "FEED:B"],
    )
    assert "message" not in payload


def test_a_source_that_never_answered_is_missing_and_the_rest_stays_live():
    world = World(pulse=[feed("a", news(item("T"))), feed("b", down())])
    world.pulse.refresh()
    payload = asked(world)
    assert payload["status"] == "live"
    assert payload["message"] == "1 of 2 sources are missing: FEED:B."


def test_one_source_that_is_shown_from_before_makes_all_of_it_stale():
    world = World(pulse=[feed("a", news(item("T"))), feed("b", news(item("U")), down())])
    world.pulse.refresh()
    world.clock.advance(300)
    world.pulse.refresh()
    payload = asked(world)
    assert (payload["status"], payload["stale"], payload["as_of"]) == ("stale", True, NOW.isoformat())
    assert payload["message"] == (
        "Service temporarily degraded, showing cached data. FEED:B: The server refused the connection."
    )


def test_when_nobody_ever_answered_it_is_an_error_with_a_suggestion():
    world = World(pulse=[feed("a", down()), feed("b", down())])
    world.pulse.refresh()
    payload = asked(world)
    assert (payload["status"], payload["stale"], payload["topics"], payload["as_of"]) == ("error", True, [], None)
    assert payload["message"] == (
        "No source of pulse could be reached yet. FEED:A, FEED:B: The server refused the connection."
    )
    assert "python run.py demo" in payload["suggestion"]


def test_without_any_source_it_says_which_setting_is_missing():
    payload = asked(World())
    assert payload["status"] == "error"
    assert "JUPITER_PULSE_FEEDS" in payload["suggestion"]


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ("24h", "Nothing newer than 24 Jul 2025: showing the 24 h before that."),
        ("7d", "Nothing newer than 24 Jul 2025: showing the 7 days before that."),
        ("1h", "Nothing newer than 24 Jul 2025 12:00 UTC: showing the 1 h before that."),
    ],
)
def test_old_news_are_shown_at_their_own_time_and_said_to_be_old(window, told):
    world = World(pulse=[feed("a", news(item("SharePoint wave", at=OLD)))])
    world.pulse.refresh()
    payload = asked(world, {"window": window})
    assert (payload["status"], payload["stale"], payload["items_total"]) == ("stale", True, 1)
    assert payload["window_end"] == OLD.isoformat()
    assert payload["message"] == told


def test_an_unchanged_feed_is_confirmed_with_its_records():
    source = feed("a", news(item("T"), item("U")), UNCHANGED)
    world = World(pulse=[source])
    world.pulse.refresh()
    world.clock.advance(300)
    world.pulse.refresh()
    payload = asked(world)
    assert source.asked[1]["previous"] == Validators("u", '"1"')
    assert by_name(payload)["feed:a"]["records"] == 2
    assert payload["as_of"] == world.clock.now().isoformat()


def test_a_cve_that_has_a_threat_record_is_linked_to_it():
    world = World(
        FakeSource("cisa_kev", catalogue("CVE-2026-1000")),
        pulse=[feed("a", news(item("Two flaws", ids=("CVE-2026-1000", "CVE-2026-2000"))))],
    )
    world.threats.refresh()
    world.pulse.refresh()
    linked = {topic["topic"]: topic["threat_id"] for topic in asked(world)["topics"]}
    assert linked == {"CVE-2026-1000": "CVE-2026-1000", "CVE-2026-2000": None}


def test_names_of_the_catalogue_are_found_as_soon_as_it_is_there():
    world = World(
        FakeSource("cisa_kev", catalogue("CVE-2026-1000")), pulse=[feed("a", news(item("Oracle under fire")))]
    )
    world.pulse.refresh()
    assert asked(world)["topics"] == []
    world.threats.refresh()
    assert [topic["topic"] for topic in asked(world)["topics"]] == ["Oracle"]


def test_topics_are_worked_out_once_for_all_who_ask():
    world = World(pulse=[feed("a", news(item("T")))])
    world.pulse.refresh()
    done = []
    offload = world.pulse._reckoning._offload
    world.pulse._reckoning._offload = lambda *args, **kwargs: (done.append(1), offload(*args, **kwargs))[1]
    for _ in range(5):
        world.pulse.query()
    assert len(done) == 1
    world.pulse.query({"window": "1h"})
    assert len(done) == 2
    world.clock.advance(16)
    world.pulse.query()
    assert len(done) == 3


def test_the_number_of_topics_can_be_limited():
    world = World(pulse=[feed("a", news(*(item(f"T{n}", ids=(f"CVE-2026-{1000 + n}",)) for n in range(50))))])
    world.pulse.refresh()
    assert len(asked(world)["topics"]) == 30
    assert len(asked(world, {"limit": 5})["topics"]) == 5


@pytest.mark.parametrize(("query", "field"), [({"window": "2h"}, "window"), ({"limit": 0}, "limit"), ({"x": 1}, "x")])
def test_a_wrong_filter_is_named(query, field):
    with pytest.raises(ValidationError) as caught:
        World().pulse.query(query)
    assert field in caught.value.details


def test_subscribers_get_the_default_view():
    world = World(pulse=[feed("a", news(item("T")))])
    told = []
    world.pulse.subscribe(told.append)
    world.pulse.refresh()
    assert [(payload["status"], payload["window"]) for payload in told] == [("live", "24h")]


def test_two_feeds_of_one_name_are_told_apart():
    world = World(
        pulse=[feed(name, news(item("SharePoint wave", name), title="Blog")) for name in ("a.example", "b.example")]
    )
    world.pulse.refresh()
    assert asked(world)["topics"][0]["source_names"] == ["Blog (feed:a.example)", "Blog (feed:b.example)"]


def test_each_feed_has_a_breaker_of_its_own_and_one_that_works_keeps_the_feature_on():
    world = World(pulse=[feed("a", down()), feed("b", news(item("T")))])
    for _ in range(6):
        world.pulse.refresh(force=True)
        world.clock.advance(1)
    states = {name: entry["circuit_breaker"] for name, entry in by_name(asked(world)).items()}
    assert states == {"feed:a": "open", "feed:b": "closed"}
    assert world.guards.feature_status()["community_pulse"]["enabled"] is True


def test_a_topic_links_to_the_threat_records_that_its_items_name():
    known = "CVE-2026-1000"
    feeds = [
        feed(
            "a",
            news(
                item("SharePoint wave", "1", ids=(known, "CVE-2026-9999")), item("SharePoint again", "2", ids=(known,))
            ),
        )
    ]
    world = World(FakeSource("cisa_kev", catalogue(known, vendor="Microsoft", product="SharePoint")), pulse=feeds)
    world.threats.refresh()
    world.pulse.refresh()
    linked = {topic["topic"]: (topic["threat_id"], topic["threat_ids"]) for topic in asked(world)["topics"]}
    assert linked["SharePoint"] == (None, [known])
    assert linked[known] == (known, [known])
    assert linked["CVE-2026-9999"] == (None, [known])


def test_an_actor_is_a_topic_however_it_is_written():
    world = World(
        pulse=[feed("a", news(item("APT-28 strikes", "1"), item("Who is APT28", "2"), item("Lazarus Group", "3")))]
    )
    world.pulse.refresh()
    topics = {topic["topic"]: topic for topic in asked(world)["topics"] if topic["kind"] == "actor"}
    assert {name: topic["mentions"] for name, topic in topics.items()} in (
        {"APT28": 2, "Lazarus Group": 1},
        {"APT-28": 2, "Lazarus Group": 1},
    )


def test_all_items_of_a_topic_can_be_had_newest_first():
    stories = [item("SharePoint wave", str(n), at=NOW - timedelta(minutes=n), author="ann") for n in range(9)]
    world = World(pulse=[feed("a", news(*stories, item("Other", "x"))), feed("b", news(stories[0]))])
    world.pulse.refresh()
    shown = world.pulse.items({"topic": "sharepoint WAVE", "kind": "phrase", "limit": "7"})
    assert PulseItemsSchema().validate(shown) == {}
    assert (shown["total"], len(shown["items"]), shown["status"], shown["as_of"]) == (9, 7, "live", NOW.isoformat())
    assert [one["url"].rpartition("/")[2] for one in shown["items"]] == list("0123456")
    assert (shown["items"][0]["source_names"], shown["items"][0]["author"]) == (["FEED:A", "FEED:B"], "ann")


def test_a_topic_that_nobody_talks_about_has_no_items():
    world = World(pulse=[feed("a", news(item("T")))])
    assert world.pulse.items({"topic": "x", "kind": "cve"})["items"] == []
    world.pulse.refresh()
    assert world.pulse.items({"topic": "x", "kind": "cve"})["total"] == 0
    with pytest.raises(ValidationError):
        world.pulse.items({"topic": "x", "kind": "nonsense"})
