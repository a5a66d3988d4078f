"""Listeners: told in order, by kind, and unable to change anything."""

from datetime import UTC, datetime

from backend.resilience.events import CallFinished, FeatureChanged, Listeners

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
