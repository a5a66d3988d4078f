"""What the end of a call says about the health of the dependency behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from enum import Enum

from backend import runtime

Matcher = type[BaseException] | Callable[[BaseException], bool]

_log = logging.getLogger("jupiter.resilience")


class Outcome(Enum):
    """How a call ended.

    SUCCESS and FAILURE count. EXPECTED is an error that is a proper answer: it proves a probe, and counts otherwise
    as little as IGNORED, which says nothing either way. CANCELLED means that somebody stopped us.
    """

    SUCCESS = "success"
    FAILURE = "failure"
    EXPECTED = "expected"
    IGNORED = "ignored"
    CANCELLED = "cancelled"


def is_fault(error: BaseException) -> bool:
    """Tell whether `error` is one like any other, of whatever was called.

    It is none where somebody stops us: by a cancellation, or by a timer that was set further out.
    """
    if runtime.is_cancellation(error) or runtime.is_callers_timer(error):
        return False
    return isinstance(error, Exception) or runtime.is_timeout(error)


class Classifier:
    """Decides what an error says.

    Args:
        record: errors that are failures; None takes every Exception and every timer, also those that eventlet and
            gevent derive from BaseException.
        ignore: errors that say nothing, by class (abstract ones too) or predicate.
        expected: errors that are proper answers.

    Cancellations (GreenletExit, GeneratorExit, KeyboardInterrupt, SystemExit) are never failures, whatever is given;
    neither is an error whose class says `counts_as_failure = False`.
    """

    def __init__(
        self,
        record: Iterable[Matcher] | None = None,
        ignore: Iterable[Matcher] = (),
        expected: Iterable[Matcher] = (),
    ) -> None:
        self.record = None if record is None else list(record)
        self.ignore = list(ignore)
        self.expected = list(expected)

    def __call__(self, error: BaseException) -> Outcome:
        """Return what `error` says."""
        if runtime.is_cancellation(error):
            return Outcome.CANCELLED
        if self.expected and _matches(error, self.expected):
            return Outcome.EXPECTED
        if self.ignore and _matches(error, self.ignore):
            return Outcome.IGNORED
        if not getattr(error, "counts_as_failure", True):
            return Outcome.IGNORED
        return Outcome.FAILURE if self._is_failure(error) else Outcome.IGNORED

    def _is_failure(self, error: BaseException) -> bool:
        if self.record is not None:
            return _matches(error, self.record)
        return isinstance(error, Exception) or runtime.is_timeout(error)


def _matches(error: BaseException, matchers: Iterable[Matcher]) -> bool:
    return any(_match(error, matcher) for matcher in matchers)


def _match(error: BaseException, matcher: Matcher) -> bool:
    if isinstance(matcher, type):
        return isinstance(error, matcher)
    try:
        return bool(matcher(error))
    except BaseException as broken:  # a broken predicate must not take the place of the error it is asked about
        if not is_fault(broken):
            raise
        _log.exception("a predicate of a circuit breaker failed")
        return False
