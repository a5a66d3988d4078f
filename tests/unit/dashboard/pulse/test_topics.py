"""Topics are counted, measured against their past, and ranked by how many places speak of them."""

import json
import sys
import threading
from datetime import timedelta

import pytest

from backend.dashboard.pulse.items import ItemStore
from backend.dashboard.pulse.terms import terms_of
from backend.dashboard.pulse.topics import find_topics
from backend.resilience.testing import FakeClock
from tests.unit.dashboard.source_fakes import NOW, item

NAMES = {"sharepoint": "SharePoint", "microsoft": "Microsoft", "red hat": "Red Hat", "ios": "IOS", "struts": "Struts"}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def store_of(*published, clock=None):
    """A store that has these (source, item) pairs."""
    store = ItemStore(clock=clock or FakeClock(NOW))
    by_source = {}
    for source, each in published:
        by_source.setdefault(source, []).append(each)
    for source, items in by_source.items():
        store.take(source, items)
    return store


def topics(store, window=DAY, now=NOW, **options):
    return find_topics(store.all(), now=now, window=window, names=NAMES, titles={}, terms={}, limit=100, **options)


def by_topic(store, **options):
    return {topic["topic"]: topic for topic in topics(store, **options).topics}


def terms(title, **more):
    return {(kind, label) for kind, _, label in terms_of(item(title, **more), NAMES)}


def test_ids_and_names_are_terms_and_phrases_come_from_the_title():
    found = terms("ToolShell hits SharePoint Servers", summary="Red Hat too", ids=("CVE-2025-53770",))
    assert {
        ("cve", "CVE-2025-53770"),
        ("product", "SharePoint"),
        ("product", "Red Hat"),
        ("phrase", "ToolShell"),
    } <= found
    assert ("phrase", "Red Hat") not in found


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("He struts away", False),
        ("Apache Struts flaw", True),
        ("STRUTS FLAW", True),
        ("Restrutsing", False),
    ],
)
def test_a_one_word_name_must_be_written_as_one(title, found):
    assert (("product", "Struts") in terms(title)) is found


def test_a_name_keeps_the_capitals_that_the_text_gives_it():
    assert ("product", "iOS") in terms("Apple fixes iOS flaw")


@pytest.mark.parametrize(
    "title", ["New Week of the Year", "2025 in 10 Attacks", "Critical Security Updates", "hackers", "CVE-2025-1234"]
)
def test_stop_words_and_words_of_the_trade_are_no_phrases(title):
    assert not [label for kind, label in terms(title) if kind == "phrase"]


def test_phrases_do_not_reach_over_punctuation_and_have_no_possessive():
    phrases = {label for kind, label in terms("Interlock: Clorox\u2019s lawsuit") if kind == "phrase"}
    assert "Clorox lawsuit" in phrases
    assert "Interlock Clorox" not in phrases


def test_a_phrase_needs_two_items_an_id_and_a_name_one():
    store = store_of(("a", item("Clorox sues", "1", ids=("CVE-2026-1000",))), ("a", item("Microsoft pays", "2")))
    assert set(by_topic(store)) == {"CVE-2026-1000", "Microsoft"}


def test_the_longer_phrase_takes_the_place_of_its_parts():
    store = store_of(
        ("a", item("Clorox sues Cognizant over hack", "1")), ("b", item("Clorox sues Cognizant for millions", "2"))
    )
    assert list(by_topic(store)) == ["Clorox sues Cognizant"]


def test_a_part_that_is_told_elsewhere_too_stays():
    items = [("a", item(f"Interlock ransomware hits {where}", where)) for where in ("Ohio", "Kent")]
    items += [("a", item(f"Interlock {what}", what)) for what in ("returns", "explained", "arrests")]
    assert {"Interlock", "Interlock ransomware hits"} <= set(by_topic(store_of(*items)))


def test_a_phrase_that_is_a_name_is_not_a_second_topic():
    store = store_of(("a", item("SharePoint one", "1")), ("b", item("SharePoint two", "2")))
    assert [(topic["topic"], topic["kind"]) for topic in topics(store).topics] == [("SharePoint", "product")]


def test_the_same_page_from_two_sources_is_one_mention_in_two_sources():
    store = store_of(
        ("feed", item("Microsoft news", "x", author="Ann")), ("hn", item("Microsoft news", "x", author="bob"))
    )
    topic = by_topic(store)["Microsoft"]
    assert (topic["mentions"], topic["sources"], topic["authors"]) == (1, 2, 1)
    assert topic["source_names"] == ["feed", "hn"]


def test_four_sources_outrank_one_that_repeats_itself():
    loud = [("loud", item(f"Noise campaign {number}", f"n{number}")) for number in range(9)]
    wide = [(f"s{number}", item("Signal campaign", f"s{number}")) for number in range(4)]
    ranked = [topic["topic"] for topic in topics(store_of(*loud, *wide)).topics]
    assert ranked.index("Signal campaign") < ranked.index("Noise campaign")


def test_velocity_is_the_change_per_hour():
    now = [("a", item(f"Microsoft {n}", f"n{n}", at=NOW - HOUR)) for n in range(5)]
    before = [("a", item(f"Microsoft {n}", f"b{n}", at=NOW - DAY - HOUR)) for n in range(2)]
    assert by_topic(store_of(*now, *before))["Microsoft"]["velocity"] == 3 / 24
    assert by_topic(store_of(*before, now[0]))["Microsoft"]["velocity"] == round(-1 / 24, 4)


def history(count, word, start=2):
    return [("a", item(f"{word} {n}", f"h{word}{n}", at=NOW - (start + n % 5) * DAY)) for n in range(count)]


def test_a_burst_is_measured_against_the_usual_share_of_the_talk():
    now = [("a", item(f"Microsoft {n}", f"n{n}")) for n in range(6)]
    calm = by_topic(store_of(*now, *history(30, "Microsoft")))["Microsoft"]["burst"]
    rising = by_topic(store_of(*now, *history(30, "Weather")))["Microsoft"]["burst"]
    assert calm == 0.0
    assert rising == 6.0


def test_without_history_there_is_no_burst_and_few_mentions_are_none():
    now = [("a", item(f"Microsoft {n}", f"n{n}")) for n in range(6)]
    assert by_topic(store_of(*now, *history(19, "Weather")))["Microsoft"]["burst"] is None
    assert by_topic(store_of(*now[:2], *history(20, "Weather")))["Microsoft"]["burst"] == 0.0


def test_a_window_without_news_is_anchored_at_the_newest_item():
    found = topics(
        store_of(("a", item("Microsoft old", at=NOW - 300 * DAY)), ("a", item("Microsoft older", at=NOW - 400 * DAY)))
    )
    assert (found.anchored, found.window_end, found.items) == (True, NOW - 300 * DAY, 1)
    assert [topic["mentions"] for topic in found.topics if topic["kind"] == "product"] == [1]


def test_an_empty_store_has_no_window():
    found = topics(ItemStore())
    assert (found.topics, found.window_end, found.items, found.anchored) == ([], None, 0, False)


def test_a_topic_shows_its_newest_five_items():
    store = store_of(*(("a", item(f"Microsoft {n}", f"n{n}", at=NOW - n * HOUR)) for n in range(8)))
    shown = by_topic(store)["Microsoft"]["items"]
    assert [each["title"] for each in shown] == [f"Microsoft {n}" for n in range(5)]
    assert shown[0] == {
        "title": "Microsoft 0",
        "url": "https://a.example/n0",
        "source": "a",
        "published": NOW.isoformat(),
    }


def test_terms_are_kept_for_the_next_time_and_looked_at_again_when_an_item_changes():
    store = store_of(("a", item("Microsoft", "x")))
    first = topics(store)
    kept = first.terms["x"]
    assert (
        find_topics(store.all(), now=NOW, window=DAY, names={}, titles={}, terms=first.terms, limit=9).terms["x"]
        is kept
    )
    store.take("b", [item("Microsoft", "x", ids=("CVE-2026-1000",))])
    again = find_topics(store.all(), now=NOW, window=DAY, names=NAMES, titles={}, terms=first.terms, limit=9)
    assert "CVE-2026-1000" in [topic["topic"] for topic in again.topics]


def test_an_item_without_a_date_is_not_news_at_the_first_fetch_but_later():
    clock = FakeClock(NOW)
    store = ItemStore(clock=clock)
    store.take("a", [item("Microsoft one", "1", at=None)])
    assert topics(store).window_end is None
    clock.advance(3600)
    store.take("a", [item("Microsoft one", "1", at=None), item("Microsoft two", "2", at=None)])
    found = topics(store, now=clock.now())
    assert (found.items, found.window_end) == (1, clock.now())


def test_a_date_in_the_future_is_no_date_and_one_a_little_ahead_is_now():
    clock = FakeClock(NOW)
    store = store_of(
        ("a", item("Microsoft", "1", at=NOW + DAY)), ("a", item("Red Hat", "2", at=NOW + HOUR / 2)), clock=clock
    )
    assert {known.item.key: known.at for known in store.all()} == {"1": None, "2": NOW}


def test_a_date_that_one_source_lacks_is_taken_from_another():
    clock = FakeClock(NOW)
    store = ItemStore(clock=clock)
    store.take("a", [item("Microsoft", "1", at=None), item("Red Hat", "2", at=NOW + DAY)])
    store.take("b", [item("Microsoft", "1", at=NOW - HOUR), item("Red Hat", "2", at=NOW - 3 * HOUR)])
    store.take("a", [item("Microsoft", "1", at=None), item("Red Hat", "2", at=NOW + DAY)])
    assert {known.item.key: (known.at, known.item.published) for known in store.all()} == {
        "1": (NOW - HOUR, NOW - HOUR),
        "2": (NOW - 3 * HOUR, NOW - 3 * HOUR),
    }


def test_what_had_counted_from_when_it_was_seen_counts_from_its_date_once_that_is_known():
    clock = FakeClock(NOW)
    store = ItemStore(clock=clock)
    store.take("a", [])
    store.take("a", [item("Microsoft", "1", at=None)])
    assert store.all()[0].at == NOW
    store.take("b", [item("Microsoft", "1", at=NOW - 9 * DAY)])
    store.take("c", [item("Microsoft", "1", at=NOW - 2 * DAY)])
    assert [(known.at, known.sources) for known in store.all()] == [(NOW - 9 * DAY, ("a", "b", "c"))]


def test_an_item_never_shows_a_date_that_is_still_to_come():
    store = store_of(("a", item("Microsoft", "1", at=NOW + DAY)), ("a", item("Microsoft", "2", at=NOW)))
    (topic,) = [each for each in topics(store).topics if each["topic"] == "Microsoft"]
    assert [each.item.published for each in store.all()] == [None, NOW]
    assert topic["mentions"] == 1


def test_ids_are_counted_over_all_topics_of_a_window_that_ends_now_only():
    store = store_of(
        *[("a", item(f"Flaw {n}", f"k{n}", ids=(f"CVE-2026-{1000 + n}", "CVE-2026-9999"))) for n in range(150)]
    )
    found = topics(store, window=DAY)
    assert (len(found.topics), len(found.named), found.named["CVE-2026-9999"]) == (100, 151, 150)
    assert topics(store, now=NOW + 9 * DAY).named == {}


def test_old_items_go_unless_their_source_still_shows_them():
    clock = FakeClock(NOW)
    store = ItemStore(clock=clock, kept=30 * DAY)
    store.take("a", [item("Old", "old", at=NOW - 400 * DAY), item("New", "new", at=NOW)])
    assert len(store.all()) == 2
    clock.advance(31 * 86_400)
    store.take("a", [item("Old", "old", at=NOW - 400 * DAY)])
    assert [known.item.key for known in store.all()] == ["old"]


def test_the_store_is_bounded_and_drops_the_oldest():
    store = ItemStore(clock=FakeClock(NOW), most=10)
    store.take("a", [item(f"T{n}", f"k{n}", at=NOW - n * HOUR) for n in range(25)])
    assert sorted(known.item.key for known in store.all()) == sorted(f"k{n}" for n in range(10))


def test_sources_that_answer_in_threads_of_their_own_are_all_taken_in():
    """Real threads where that is the async mode, switched as often as it goes; green ones never meet here."""
    store, failed, often = ItemStore(clock=FakeClock(NOW)), [], sys.getswitchinterval()

    def take(source):
        items = [item(f"{source} {n}") for n in range(60)]
        try:
            for _ in range(20):
                store.take(source, items)
        except RuntimeError as error:
            failed.append(error)

    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=take, args=(f"s{n}",)) for n in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(often)
    assert (failed, len(store.all())) == ([], 480)


def test_a_topic_can_be_written_as_json():
    json.dumps(topics(store_of(("a", item("Microsoft", ids=("CVE-2026-1000",))))).topics, allow_nan=False)
