"""What users and tools of pybreaker find on the kit's breaker: its methods, its listeners, its words for the states."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import pybreaker

from backend.resilience.breaker_states import Closed, HalfOpen
from backend.resilience.breaker_storage import BreakerStorage, pybreaker_name
from backend.resilience.control import Control
from backend.resilience.events import BreakerChanged
from backend.resilience.outcome import Classifier, Outcome, is_fault
from backend.resilience.window import Consecutive

_log = logging.getLogger("jupiter.resilience")


class _StateName:
    """Stands for pybreaker's state objects in `state_change`, where listeners read the name."""

    def __init__(self, name: str) -> None:
        self.name = pybreaker_name(name)


class PybreakerFace(pybreaker.CircuitBreaker):
    """The part of the breaker that answers to pybreaker's names. Nothing of pybreaker's own control flow is used."""

    _control: Control
    classify: Classifier

    def _init_face(self, storage: BreakerStorage, timeout: float, name: str) -> None:
        window = self._control.window
        super().__init__(
            fail_max=window.threshold if isinstance(window, Consecutive) else 1,
            reset_timeout=timeout,
            success_threshold=self._control.permits,
            state_storage=storage,
            name=name,
            throw_new_error_on_trip=False,
        )
        self._excluded_exceptions = self.classify.ignore  # type: ignore[assignment]  # one list, so that pybreaker's methods change it too

    @property
    def current_state(self) -> str:
        """Return the state in pybreaker's words: closed, open, half-open."""
        return pybreaker_name(self._control.current.shown())

    @property
    def fail_counter(self) -> int:
        """Return the failures that count at present."""
        return self._control.failure_count

    @property
    def fail_max(self) -> int:
        """Return the failures in a row that open the circuit."""
        return self._fail_max

    @fail_max.setter
    def fail_max(self, number: int) -> None:
        self._fail_max = number
        windows = [self._control.window]
        if isinstance(self._control.current, Closed):
            windows.append(self._control.current.window)
        for window in windows:
            if isinstance(window, Consecutive):
                window.threshold = number

    @property
    def reset_timeout(self) -> float:
        """Return the seconds of a first break."""
        return self._control.duration.seconds

    @reset_timeout.setter
    def reset_timeout(self, seconds: float) -> None:
        self._control.duration = replace(self._control.duration, seconds=seconds)

    @property
    def success_threshold(self) -> int:
        """Return the probes that must succeed to close it, which are as many as are admitted."""
        return self._control.permits

    @success_threshold.setter
    def success_threshold(self, number: int) -> None:
        if number < 1:
            raise ValueError(f"half-open needs at least one permit, not {number}")
        self._control.permits = number

    def is_system_error(self, exception: BaseException) -> bool:
        """Tell whether an error counts as a failure."""
        return self.classify(exception) is Outcome.FAILURE

    def open(self) -> bool:
        """Open the circuit as if it had tripped: it heals itself. To keep it open, use `force_open`."""
        with self._control.lock:
            self._control.open(level=0, failures=self._control.failure_count, error=None, reason="opened by hand")
        self._control.after()
        return False

    def half_open(self) -> None:
        """Let the next call be a probe."""
        control = self._control
        control.force(lambda: HalfOpen(control, level=0, failures=control.failure_count, cause=None), "set by hand")

    def close(self) -> None:
        """Close the circuit."""
        self._control.force(lambda: Closed(self._control, self._control.window.fresh()), "closed by hand")

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Guard a block; unlike pybreaker's it takes its turn in half-open.

        Raises:
            CircuitBreakerOpenError: the block is not run.
        """
        call = self.begin()
        try:
            yield
        except BaseException as error:
            call.failed(error)
            raise
        call.succeeded()

    def begin(self) -> Any:
        """Admit a call that is made elsewhere."""
        raise NotImplementedError

    def call_async(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: coroutines are not guarded here.

        Raises:
            TypeError: always.
        """
        raise TypeError("the kit's breaker guards synchronous code; await inside a function that it calls")

    def add_listener(self, listener: Any) -> None:
        """Add a `pybreaker.CircuitBreakerListener`. What it raises is logged and changes nothing."""
        super().add_listener(listener)
        self._control.watch_calls(True)

    def remove_listener(self, listener: Any) -> None:
        """Take a listener away."""
        super().remove_listener(listener)
        self._control.watch_calls(bool(self._listeners))

    def _tell(self, method: str, *args: Any) -> None:
        for listener in tuple(self._listeners):
            try:
                getattr(listener, method)(self, *args)
            except BaseException as error:  # a listener must not change the outcome it is told about
                if not is_fault(error):
                    raise
                _log.exception("a listener of breaker %s failed in %s", self.name, method)

    def _tell_change(self, event: BreakerChanged) -> None:
        self._tell("state_change", _StateName(event.old), _StateName(event.new))
