"""The error of a call that was not made, and the cause that a breaker keeps."""

import copy
import pickle

from backend.errors import CircuitBreakerOpenError, NetworkError
from backend.resilience.rejection import CallRejectedError, without_traceback


def test_it_says_which_breaker_why_and_how_long():
    error = CallRejectedError("kev", "open", 12.34, ValueError("down"))
    assert str(error) == "circuit breaker kev is open, next try in 12.3 s, last error: ValueError: down"
    assert str(CallRejectedError(state="forced_open")) == "circuit breaker unnamed is forced_open"


def test_it_has_all_that_the_standard_body_needs():
    error = CallRejectedError("kev")
    plain = CircuitBreakerOpenError(name="kev")
    for name in ("details", "fallback_data", "message", "code", "status", "title", "asked_to_wait"):
        assert getattr(error, name) == getattr(plain, name)


def test_it_can_be_pickled_and_copied():
    error = CallRejectedError("kev", "open", 5.0, ValueError("down"))
    pickled = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    for other in (pickled, copy.copy(error)):
        assert (other.name, other.state, other.retry_after, str(other)) == ("kev", "open", 5.0, str(error))


def test_a_kept_cause_says_the_same_and_holds_no_frames():
    try:
        raise NetworkError("refused", upstream_status=503, retry_after=7)
    except NetworkError as error:
        kept = without_traceback(error)
    assert kept.__traceback__ is None
    assert (str(kept), kept.upstream_status, kept.retry_after) == ("refused", 503, 7)


def test_arguments_that_were_changed_later_are_kept():
    error = ValueError("first")
    error.args = ("changed",)
    error.note = "kept too"
    kept = without_traceback(error)
    assert (kept.args, kept.note) == (("changed",), "kept too")


def test_an_os_error_keeps_its_number():
    kept = without_traceback(ConnectionRefusedError(111, "refused"))
    assert (kept.errno, str(kept)) == (111, "[Errno 111] refused")


def test_an_error_that_cannot_be_copied_is_described():
    class Odd(Exception):
        def __new__(cls, *args):
            if not args:
                return super().__new__(cls)
            raise TypeError("not like this")

        def __init__(self):
            super().__init__("odd")
            self.args = ("odd",)

    kept = without_traceback(Odd())
    assert isinstance(kept, RuntimeError)
    assert str(kept) == "Odd: odd"


def test_a_cause_of_a_class_that_takes_no_arguments_keeps_those_it_was_given():
    class Odd(Exception):
        """Passes no arguments on."""

        def __new__(cls, *_):
            return super().__new__(cls)

    kept = without_traceback(Odd("why"))
    assert (type(kept), kept.args) == (Odd, ("why",))
