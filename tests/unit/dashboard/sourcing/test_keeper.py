"""When a source is asked again, and what its line says meanwhile."""

from dataclasses import replace

import pytest

from backend.dashboard.sourcing.line import SourceLine
from backend.errors import (
    CircuitBreakerOpenError,
    DeadlineExceededError,
    FeatureDisabledError,
    NetworkError,
    UpstreamRejectedError,
)
from backend.resilience.events import BreakerChanged, FeatureChanged
from backend.resilience.guard import Policy
from tests.unit.dashboard.source_fakes import NOW, FakeSource, World, by_name, catalogue

A = "CVE-2026-1000"


PATIENT = Policy(attempts=1, failure_threshold=50)


def keeper_of(*answers, policy=PATIENT, **options):
    world = World(FakeSource("cisa_kev", *answers, **options), policy=policy)
    return world, world.threats._board.keepers[0]


def delays(keeper, count):
    found = []
    for _ in range(count):
        keeper.attempt()
        found.append(keeper.delay())
    return found


def test_waits_after_failures_grow_up_to_the_usual_interval():
    _, keeper = keeper_of(NetworkError("down"), refresh_seconds=60.0)
    assert delays(keeper, 6) == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_short_interval_is_kept_after_failures():
    _, keeper = keeper_of(NetworkError("down"), refresh_seconds=1.0)
    assert delays(keeper, 4) == [1.0] * 4


def test_a_success_brings_the_usual_interval_back():
    _, keeper = keeper_of(NetworkError("down"), NetworkError("down"), catalogue(A), NetworkError("down"))
    assert delays(keeper, 4) == [5.0, 10.0, 3600.0, 5.0]


def test_the_wait_that_the_source_asks_for_is_kept_and_bounded():
    _, keeper = keeper_of(
        NetworkError("slow down", upstream_status=429, retry_after=120), NetworkError("slow down", retry_after=90_000)
    )
    assert delays(keeper, 2) == [120.0, 3600.0]


def test_many_failures_do_not_overflow():
    _, keeper = keeper_of(NetworkError("down"), refresh_seconds=1e9, policy=Policy(attempts=1, failure_threshold=10**6))
    assert delays(keeper, 1100)[-1] == 1e9


def test_an_open_breaker_sets_the_time():
    world, keeper = keeper_of(NetworkError("down"), policy=Policy(attempts=1, failure_threshold=2, open_seconds=30))
    assert delays(keeper, 3) == [5.0, 30.05, 30.05]
    assert keeper.line.next_try == world.clock.now().replace(microsecond=50_000) + (NOW - NOW).__class__(seconds=30)
    world.clock.advance(30.05)
    keeper.attempt()
    assert len(keeper.source.asked) == 3


def test_a_call_that_takes_too_long_is_said_to():
    _, keeper = keeper_of(DeadlineExceededError("cisa_kev: no answer within 5.0 s"))
    keeper.attempt()
    assert keeper.entry()["error"] == "The source did not answer within 5 s."


def test_retries_are_the_guards_and_a_long_wait_is_not_slept_through():
    world, keeper = keeper_of(
        NetworkError("slow down", upstream_status=429, retry_after=3000), policy=Policy(attempts=2, timeout=5.0)
    )
    keeper.attempt()
    assert sum(world.clock.sleeps) < 60
    assert len(keeper.source.asked) == 1


def line(clock_world):
    return SourceLine("kev", "KEV", ttl=60.0, setting="X_URL", clock=clock_world.clock)


def test_a_line_goes_from_loading_to_live_to_stale():
    world = World()
    made = line(world)
    assert (made.status, made.entry("closed")["as_of"]) == ("loading", None)
    made.confirmed(7)
    assert (made.status, made.records) == ("live", 7)
    world.clock.advance(61)
    assert (made.status, made.expired) == ("stale", True)
    made.confirmed(8)
    made.failed(NetworkError("x", message="It broke."))
    assert (made.status, made.records, made.entry("closed")["error"]) == ("stale", 8, "It broke.")


def test_a_line_names_the_way_that_was_not_the_sources_own_as_long_as_that_is_so():
    _, keeper = keeper_of(replace(catalogue(A), via="its mirror"), catalogue(A))
    keeper.attempt()
    assert keeper.entry()["via"] == "its mirror"
    keeper.attempt()
    assert "via" not in keeper.entry()


def test_a_rejected_call_does_not_hide_the_failure_that_led_to_it():
    made = line(World())
    made.failed(NetworkError("x", message="It broke."))
    made.failed(CircuitBreakerOpenError(name="kev"))
    assert made.reason == "It broke."
    made.failed(FeatureDisabledError(name="kev"))
    assert made.status == "disabled"
    made.failed(CircuitBreakerOpenError(name="kev"))
    assert made.status == "error"


@pytest.mark.parametrize(
    ("error", "loaded", "suggestion"),
    [
        (
            NetworkError("x"),
            False,
            "Check the network and the address in X_URL, or look at the demo: python run.py demo",
        ),
        (NetworkError("x"), True, "It is tried again by itself; the data that is at hand stays on show."),
        (UpstreamRejectedError("x"), False, UpstreamRejectedError.suggestion),
        (FeatureDisabledError("x"), True, FeatureDisabledError.suggestion),
    ],
)
def test_a_line_suggests_what_helps(error, loaded, suggestion):
    made = line(World())
    if loaded:
        made.confirmed(1)
    made.failed(error)
    assert made.entry("closed")["suggestion"] == suggestion


def changed(name="cisa_kev", new="closed"):
    return BreakerChanged(name, "threat_intelligence", "open", new, NOW, "reset")


def test_a_reset_wakes_the_source_and_tells_the_subscribers():
    world, keeper = keeper_of(catalogue(A))
    told = []
    world.threats.subscribe(told.append)
    world.threats.on_event(changed())
    assert keeper.refresher._wake.is_set()
    assert len(told) == 1


@pytest.mark.parametrize("event", [changed(new="open"), changed(name="somebody_else"), "anything"])
def test_other_events_wake_nobody(event):
    world, keeper = keeper_of(catalogue(A))
    world.threats.on_event(event)
    assert not keeper.refresher._wake.is_set()


def test_a_feature_that_is_switched_on_again_wakes_what_it_had_stopped():
    world, keeper = keeper_of(catalogue(A))
    event = FeatureChanged("threat_intelligence", True, None, "ann", NOW)
    world.threats.on_event(event)
    assert not keeper.refresher._wake.is_set()
    world.guards.degradation.disable_feature("threat_intelligence", "why", author="ann")
    keeper.attempt()
    world.threats.on_event(event)
    assert keeper.refresher._wake.is_set()


def test_new_ids_wake_the_scores():
    from tests.unit.dashboard.source_fakes import FakeScores, scores

    world = World(FakeSource("cisa_kev", catalogue(A)), FakeScores(scores(CVE_2026_1000=0.1)))
    kev, epss = world.threats._board.keepers
    epss.attempt()
    assert (epss.source.asked, by_name(world.threats.query())["epss"]["status"]) == ([], "loading")
    kev.attempt()
    assert epss.refresher._wake.is_set()
    epss.refresher._wake.clear()
    kev.attempt()
    assert not epss.refresher._wake.is_set()
