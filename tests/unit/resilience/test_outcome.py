"""What the end of a call says about a dependency."""

import abc

import pytest

from backend.errors import DatabaseError, NotFoundError
from backend.resilience.outcome import Classifier, Outcome
from tests.unit.resilience.calls import raising
from tests.unit.resilience.green import Cancelled, GreenTimeout


class Abstract(Exception, abc.ABC):
    """An error with ABCMeta, at which pybreaker's `type(x) is type` stumbles."""


class Concrete(Abstract):
    """One of its kind."""


@pytest.mark.parametrize("error", [ValueError(), DatabaseError(), TimeoutError(), GreenTimeout()])
def test_errors_and_timers_are_failures(error):
    assert Classifier()(error) is Outcome.FAILURE


@pytest.mark.parametrize("error", [Cancelled(), GeneratorExit(), KeyboardInterrupt(), SystemExit()])
def test_cancellations_are_not_even_where_everything_is_recorded(error):
    assert Classifier(record=[BaseException])(error) is Outcome.CANCELLED


def test_other_base_exceptions_say_nothing():
    class Stopped(BaseException):
        pass

    assert Classifier()(Stopped()) is Outcome.IGNORED


def test_an_error_may_say_itself_that_it_does_not_count():
    assert Classifier()(NotFoundError("nothing here")) is Outcome.IGNORED


def test_ignored_by_class_abstract_class_and_predicate():
    classify = Classifier(ignore=[Abstract, lambda error: "quota" in str(error)])
    assert classify(Concrete()) is Outcome.IGNORED
    assert classify(ValueError("quota used up")) is Outcome.IGNORED
    assert classify(ValueError("down")) is Outcome.FAILURE, "excluding an abstract class must not exclude everything"


def test_expected_errors_are_answers():
    assert Classifier(expected=[KeyError])(KeyError("x")) is Outcome.EXPECTED


def test_only_what_is_recorded_is_a_failure_where_that_is_given():
    classify = Classifier(record=[ConnectionError])
    assert classify(ConnectionResetError()) is Outcome.FAILURE
    assert classify(ValueError()) is Outcome.IGNORED


def test_a_predicate_that_fails_does_not_take_the_errors_place(caplog):
    assert Classifier(ignore=[lambda error: error.missing])(ValueError()) is Outcome.FAILURE
    assert "predicate" in caplog.text


def test_a_predicate_runs_into_its_own_timer_or_is_stopped(caplog):
    assert Classifier(ignore=[raising(GreenTimeout())])(ValueError()) is Outcome.FAILURE
    assert "predicate" in caplog.text
    with pytest.raises(Cancelled):
        Classifier(ignore=[raising(Cancelled())])(ValueError())
