"""Listeners: told in order, by kind, and unable to change anything."""

import time
from datetime import UTC, datetime

import pytest

from backend import runtime
from backend.resilience.events import CallFinished, FeatureChanged, Listeners
from tests.unit.resilience.calls import raising
from tests.unit.resilience.green import Cancelled, GreenTimeout

FINISHED = CallFinished("cisa_kev", "threat_intelligence", "success", 0.1)
CHANGED = FeatureChanged("grok_chat", False, "off", None, datetime(2026, 1, 1, tzinfo=UTC))


def test_listeners_are_told_in_the_order_of_subscription():
    told, listeners = [], Listeners()
    listeners.subscribe(lambda event: told.append(("first", event)))
    listeners.subscribe(lambda event: told.append(("second", event)))
    listeners.notify(FINISHED)
    assert told == [("first", FINISHED), ("second", FINISHED)]


def test_a_listener_may_ask_for_some_kinds_only():
    told, listeners = [], Listeners()
    listeners.subscribe(told.append, FeatureChanged)
    listeners.notify(FINISHED)
    listeners.notify(CHANGED)
    assert told == [CHANGED]
    assert listeners.wants(FeatureChanged)
    assert not listeners.wants(CallFinished)


def test_a_listener_that_raises_is_logged_and_does_not_stop_the_others(caplog):
    told, listeners = [], Listeners()
    listeners.subscribe(lambda _: 1 / 0)
    listeners.subscribe(told.append)
    listeners.notify(FINISHED)
    assert told == [FINISHED]
    assert "a listener failed on CallFinished" in caplog.text


def test_unsubscribing_takes_one_subscription_away_and_may_be_repeated():
    told, listeners = [], Listeners()
    stop = listeners.subscribe(told.append)
    listeners.subscribe(told.append)
    stop()
    stop()
    listeners.notify(FINISHED)
    assert told == [FINISHED]


def test_a_listener_that_subscribes_another_while_it_is_told_does_no_harm():
    told, listeners = [], Listeners()
    listeners.subscribe(lambda _: listeners.subscribe(told.append))
    listeners.notify(FINISHED)
    assert told == []
    listeners.notify(CHANGED)
    assert told == [CHANGED]


def test_an_empty_list_of_listeners_is_kept_where_it_is_handed_in():
    given = Listeners()
    assert (given or Listeners()) is given


def test_who_comes_after_the_first_event_is_told_of_the_next():
    listeners, told = Listeners(), []
    listeners.notify("first")
    assert not listeners.wants(str)
    forget = listeners.subscribe(told.append)
    stay = []
    listeners.subscribe(stay.append)
    listeners.notify("second")
    forget()
    listeners.notify("third")
    assert (told, stay) == (["second"], ["second", "third"])


def test_a_timer_of_a_listeners_own_is_logged_like_any_error_of_its(caplog):
    told, listeners = [], Listeners()
    listeners.subscribe(raising(GreenTimeout()))
    listeners.subscribe(told.append)
    listeners.notify(FINISHED)
    assert told == [FINISHED]
    assert "a listener failed on CallFinished" in caplog.text


def test_who_is_stopped_in_a_listener_is_stopped():
    listeners = Listeners()
    listeners.subscribe(raising(Cancelled()))
    with pytest.raises(Cancelled):
        listeners.notify(FINISHED)


def test_a_timer_set_further_out_ends_the_listener_and_its_teller():
    listeners = Listeners()
    listeners.subscribe(lambda _: time.sleep(5))
    if runtime.mode() == "threading":
        listeners = Listeners()
        listeners.subscribe(raising(TimeoutError()))
        listeners.notify(FINISHED)
        return
    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.01, listeners.notify, FINISHED)
