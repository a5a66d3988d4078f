"""What users and tools of pybreaker find on the kit's breaker."""

import pybreaker
import pytest

from backend.resilience import CircuitBreaker, CountWindow
from backend.resilience.pybreaker_face import PybreakerFace
from tests.unit.resilience.calls import Down, down, fail, fine, raising
from tests.unit.resilience.green import Cancelled, GreenTimeout


class Heard(pybreaker.CircuitBreakerListener):
    def __init__(self):
        self.all = []

    def before_call(self, cb, func, *args, **kwargs):
        self.all.append("before")

    def success(self, cb):
        self.all.append("success")

    def failure(self, cb, exc):
        self.all.append(f"failure {type(exc).__name__}")

    def state_change(self, cb, old_state, new_state):
        self.all.append(f"{old_state.name} > {new_state.name}")


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(2, 60, name="kev", clock=clock)


def test_it_is_a_pybreaker(breaker):
    assert isinstance(breaker, pybreaker.CircuitBreaker)
    assert (breaker.name, breaker.fail_max, breaker.reset_timeout, breaker.success_threshold) == ("kev", 2, 60, 1)


def test_pybreakers_words_for_state_and_counter(breaker, clock):
    fail(breaker)
    assert (breaker.current_state, breaker.fail_counter) == ("closed", 1)
    fail(breaker)
    assert breaker.current_state == pybreaker.STATE_OPEN
    clock.advance(60)
    assert breaker.current_state == pybreaker.STATE_HALF_OPEN


def test_opened_half_opened_and_closed_by_hand(breaker, clock):
    breaker.open()
    with pytest.raises(pybreaker.CircuitBreakerError):
        breaker.call(fine)
    breaker.half_open()
    assert breaker.state == "half_open"
    breaker.close()
    assert breaker.state == "closed"
    breaker.open()
    clock.advance(60)
    assert breaker.call(fine) == "fine"


def test_the_threshold_may_be_changed_while_it_runs(breaker):
    fail(breaker)
    breaker.fail_max = 4
    fail(breaker, 2)
    assert (breaker.state, breaker.fail_max) == ("closed", 4)
    fail(breaker)
    assert breaker.state == "open"
    breaker.reset()
    fail(breaker, 3)
    assert breaker.state == "closed"


def test_excluded_exceptions_may_be_added_and_removed(breaker):
    breaker.add_excluded_exception(Down)
    assert breaker.excluded_exceptions == (Down,)
    assert not breaker.is_system_error(Down())
    fail(breaker, 5)
    assert breaker.state == "closed"
    breaker.remove_excluded_exception(Down)
    assert breaker.is_system_error(Down())
    fail(breaker, 2)
    assert breaker.state == "open"


def test_pybreakers_listeners_hear_of_calls_and_changes(breaker, clock):
    heard = Heard()
    breaker.add_listeners(heard)
    breaker.call(fine)
    fail(breaker, 2)
    clock.advance(60)
    breaker.call(fine)
    assert heard.all == [
        "before", "success",
        "before", "failure Down",
        "before", "closed > open", "failure Down",
        "open > half-open", "before", "half-open > closed", "success",
    ]  # fmt: skip


def test_a_removed_listener_hears_nothing_more(breaker):
    heard = Heard()
    breaker.add_listener(heard)
    breaker.remove_listener(heard)
    breaker.call(fine)
    assert heard.all == []
    assert breaker.listeners == ()


def test_a_listener_that_raises_does_not_prevent_the_trip(breaker, caplog):
    class Broken(pybreaker.CircuitBreakerListener):
        def failure(self, cb, exc):
            raise RuntimeError("broken")

        def state_change(self, cb, old_state, new_state):
            raise RuntimeError("broken")

    breaker.add_listener(Broken())
    for _ in range(2):
        with pytest.raises(Down):
            breaker.call(down)
    assert breaker.state == "open"
    assert "a listener of breaker kev failed" in caplog.text


def test_pybreakers_threshold_may_be_set_while_it_is_open(clock):
    breaker = CircuitBreaker(5, 30, clock=clock)
    fail(breaker, 5)
    breaker.fail_max = 1
    clock.advance(30)
    breaker.call(fine)
    fail(breaker)
    assert breaker.state == "open"


def test_it_says_nothing_to_a_window_of_another_kind():
    breaker = CircuitBreaker(window=CountWindow(20))
    assert breaker.fail_max == 1
    breaker.fail_max = 3
    assert not hasattr(breaker._control.window, "threshold")


def test_opened_and_half_opened_by_hand_is_told_and_begins_with_the_first_break(clock):
    told = []
    breaker = CircuitBreaker(1, 30, growth=2, clock=clock)
    breaker.events.subscribe(told.append)
    assert breaker.open() is False
    assert [event.new for event in told] == ["open"]
    assert (breaker.snapshot.level, breaker.retry_after) == (0, 30)
    breaker.half_open()
    fail(breaker)
    assert (breaker.snapshot.level, breaker.retry_after) == (1, 60)


def test_the_face_alone_admits_nothing():
    with pytest.raises(NotImplementedError):
        PybreakerFace.begin(object())


def test_a_listener_that_runs_into_its_own_timer_does_not_either_but_one_that_is_stopped_is(breaker, caplog):
    class Told(pybreaker.CircuitBreakerListener):
        success = staticmethod(raising(GreenTimeout()))
        failure = staticmethod(raising(Cancelled()))

    breaker.add_listener(Told())
    assert breaker.call(fine) == "fine"
    assert "a listener of breaker kev failed" in caplog.text
    with pytest.raises(Cancelled):
        breaker.call(down)


def test_the_length_of_a_break_and_the_number_of_probes_can_be_set_as_pybreakers(breaker, clock):
    breaker.reset_timeout, breaker.success_threshold = 5, 2
    fail(breaker, 2)
    assert (breaker.retry_after, breaker.reset_timeout) == (5, 5)
    clock.advance(5)
    breaker.call(fine)
    assert (breaker.state, breaker.success_threshold) == ("half_open", 2)
    breaker.call(fine)
    assert breaker.state == "closed"


def test_a_break_or_a_number_of_probes_that_makes_no_sense_is_refused(breaker):
    with pytest.raises(ValueError, match="a break needs"):
        breaker.reset_timeout = -1
    with pytest.raises(ValueError, match="at least one permit, not 0"):
        breaker.success_threshold = 0
    assert (breaker.reset_timeout, breaker.success_threshold) == (60, 1)
    breaker.success_threshold = 1
    assert breaker.success_threshold == 1
