"""One function per promise; its docstring is the line of the table. A case raises where the promise is not kept."""

from __future__ import annotations

import abc
import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator

from backend import runtime
from tests.conformance.subjects import THRESHOLD, TIMEOUT, Subject, Unsupported
from tests.unit.resilience.green import Cancelled, GreenTimeout

Make = Callable[..., Subject]
CASES: list[Callable[[Make], None]] = []


class Down(Exception):
    """The dependency failed."""


class Expected(Exception):
    """An error that is no failure."""


class Abstract(Exception, abc.ABC):
    """An error with ABCMeta."""


def case(func: Callable[[Make], None]) -> Callable[[Make], None]:
    """Add a case to the list."""
    CASES.append(func)
    return func


def fine() -> str:
    return "fine"


def raising(error: BaseException) -> Callable[[], None]:
    def func() -> None:
        raise error

    return func


def fail(subject: Subject, times: int = THRESHOLD, error: type[BaseException] = Down) -> None:
    for _ in range(times):
        with contextlib.suppress(error, subject.rejection):
            subject.call(raising(error("down")))


def opened(subject: Subject) -> Subject:
    fail(subject)
    assert subject.is_open()
    return subject


def together(count: int, func: Callable[[], object]) -> list[object]:
    results: list[object] = []

    def run() -> None:
        try:
            results.append(func())
        except Exception as error:  # noqa: BLE001 - handed on as a result
            results.append(error)

    tasks = [runtime.spawn(run) for _ in range(count)]
    assert all(task.wait(3) for task in tasks)
    return results


def together_probing(call: Callable[[Callable[[], None]], object], callers: int = 20) -> list[int]:
    """Let all call at once; a probe lasts until all others have come back, or 1 s. Return one entry per probe."""
    probes: list[int] = []
    back: list[int] = []

    def probe() -> None:
        probes.append(1)
        ends = time.monotonic() + 1
        while len(back) < callers - 1 and time.monotonic() < ends:
            time.sleep(0.002)
        raise Down

    def run() -> None:
        with contextlib.suppress(Exception):
            call(probe)
        back.append(1)

    together(callers, run)
    return probes


@case
def opens(make: Make) -> None:
    """opens after its failures in a row, rejects without a call, half-opens, closes with a success"""
    subject = opened(make())
    calls: list[int] = []
    with contextlib.suppress(subject.rejection):
        subject.call(lambda: calls.append(1))
    assert calls == []
    time.sleep(TIMEOUT * 1.2)
    assert subject.call(fine) == "fine"
    fail(subject, THRESHOLD - 1)
    assert not subject.is_open()


@case
def reopens(make: Make) -> None:
    """a probe that fails opens it again"""
    subject = opened(make())
    time.sleep(TIMEOUT * 1.2)
    fail(subject, 1)
    assert subject.is_open()


@case
def own_error(make: Make) -> None:
    """the error that trips it, and that of a failed probe, is raised as it is"""
    subject = make()
    fail(subject, THRESHOLD - 1)
    for _ in range(2):
        error, seen = Down("the last one"), []
        try:
            subject.call(raising(error))
        except Exception as raised:  # noqa: BLE001 - whatever comes is looked at
            seen.append(raised)
        assert seen == [error]
        time.sleep(TIMEOUT * 1.2)


@case
def one_probe(make: Make) -> None:
    """half-open admits one of twenty callers at once"""
    subject = opened(make())
    time.sleep(TIMEOUT * 1.2)
    calls = together_probing(subject.call)
    assert len(calls) == 1


@case
def one_probe_block(make: Make) -> None:
    """and so does its context manager"""
    subject = opened(make())
    time.sleep(TIMEOUT * 1.2)
    subject.block()  # so that a library without one says so here

    def guarded(probe: Callable[[], None]) -> None:
        with subject.block():
            probe()

    calls = together_probing(guarded)
    assert len(calls) == 1


@case
def no_lock_over_call(make: Make) -> None:
    """calls run at the same time: no lock is held over the function"""
    subject = make()
    started = time.monotonic()
    together(10, lambda: subject.call(lambda: time.sleep(0.05)))
    assert time.monotonic() - started < 0.25


@case
def no_lock_over_listener(make: Make) -> None:
    """a slow listener does not hold up other calls"""
    subject = make(listener=lambda _: time.sleep(0.3))
    tripping = runtime.spawn(fail, subject)
    time.sleep(0.05)
    started = time.monotonic()
    with contextlib.suppress(subject.rejection):
        subject.call(fine)
    assert time.monotonic() - started < 0.15
    assert tripping.wait(3)


@case
def raising_listener(make: Make) -> None:
    """a listener that raises cannot prevent the trip or replace the error"""
    subject = make(listener=lambda _: 1 / 0)
    for _ in range(THRESHOLD):
        with contextlib.suppress(Down, subject.rejection):
            subject.call(raising(Down()))
    assert subject.is_open()


@case
def ignored_keeps_count(make: Make) -> None:
    """an excluded error neither counts nor resets the count"""
    subject = make(ignore=[Expected])
    fail(subject, THRESHOLD - 1)
    fail(subject, 1, Expected)
    assert not subject.is_open()
    fail(subject, 1)
    assert subject.is_open()


@case
def ignored_abstract(make: Make) -> None:
    """excluding an abstract class excludes nothing else"""
    subject = make(ignore=[Abstract])
    fail(subject)
    assert subject.is_open()


@case
def ignored_probe(make: Make) -> None:
    """an excluded error in half-open does not close it, and gives its permit back"""
    subject = opened(make(ignore=[Expected]))
    time.sleep(TIMEOUT * 1.2)
    with contextlib.suppress(Expected):
        subject.call(raising(Expected()))
    fail(subject, 1)
    assert subject.is_open()


@case
def cancelled(make: Make) -> None:
    """cancelled greenlets, KeyboardInterrupt and GeneratorExit are not failures"""
    subject = make()
    for kind in (Cancelled, KeyboardInterrupt, GeneratorExit):
        fail(subject, THRESHOLD, kind)
    assert not subject.is_open()


@case
def cancelled_keeps_count(make: Make) -> None:
    """nor are they successes"""
    subject = make()
    fail(subject, THRESHOLD - 1)
    fail(subject, 1, Cancelled)
    fail(subject, 1)
    assert subject.is_open()


@case
def cancelled_probe(make: Make) -> None:
    """a cancelled probe gives its permit back at once"""
    subject = opened(make())
    time.sleep(TIMEOUT * 1.2)
    fail(subject, 1, Cancelled)
    assert subject.call(fine) == "fine"


@case
def hung_probe(make: Make) -> None:
    """a probe that hangs loses its permit after a while that can be set"""
    subject = opened(make(lease=0.1))
    time.sleep(TIMEOUT * 1.2)
    gate = threading.Event()
    prober = runtime.spawn(lambda: subject.call(lambda: gate.wait(2)))
    time.sleep(0.02)
    try:
        time.sleep(0.15)
        assert runtime.call_with_timeout(0.5, subject.call, fine) == "fine"
    finally:
        gate.set()
        prober.wait(3)


@case
def green_timer(make: Make) -> None:
    """a timer of the greenlet library, which is no Exception, is a failure"""
    subject = make()
    for _ in range(THRESHOLD):
        with contextlib.suppress(GreenTimeout, subject.rejection):
            subject.call(raising(GreenTimeout()))
    assert subject.is_open()


def _slow_calls(
    subject: Subject, count: int, error: BaseException | None
) -> tuple[threading.Event, list[runtime.Task]]:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(2)
        if error:
            raise error

    def run() -> None:
        with contextlib.suppress(Down, subject.rejection):
            subject.call(slow)

    tasks = [runtime.spawn(run) for _ in range(count)]
    time.sleep(0.02)
    return gate, tasks


@case
def late_success(make: Make) -> None:
    """a success of a call that began before the trip does not close it"""
    subject = make(timeout=5)
    gate, tasks = _slow_calls(subject, 1, None)
    tripping = runtime.spawn(fail, subject)
    tripping.wait(0.2)
    gate.set()
    assert all(task.wait(3) for task in [*tasks, tripping])
    time.sleep(0.02)
    assert subject.is_open()


@case
def late_failures(make: Make) -> None:
    """failures of calls that began before the trip do not open it after its recovery"""
    subject = make()
    gate, tasks = _slow_calls(subject, THRESHOLD, Down("late"))
    tripping = runtime.spawn(fail, subject)
    if not tripping.wait(0.3):
        gate.set()
        raise AssertionError("calls wait for each other, so there are no late ones")
    time.sleep(TIMEOUT * 1.2)
    subject.call(fine)
    gate.set()
    assert all(task.wait(3) for task in tasks)
    assert not subject.is_open()


@case
def failure_rate(make: Make) -> None:
    """opens at 50 % failures that are never in a row"""
    subject = make(rate=0.5)
    for _ in range(10):
        fail(subject, 1)
        with contextlib.suppress(subject.rejection):
            subject.call(fine)
    assert subject.is_open()


@case
def slow_rate(make: Make) -> None:
    """opens when calls become slow"""
    subject = make(slow=0.005)
    for _ in range(10):
        subject.call(lambda: time.sleep(0.006))
    assert subject.is_open()


@case
def longer_breaks(make: Make) -> None:
    """breaks grow while probes fail"""
    subject = opened(make(growth=4.0))
    time.sleep(TIMEOUT * 1.2)
    fail(subject, 1)
    time.sleep(TIMEOUT * 1.5)
    assert subject.is_open()


@case
def rejection_tells(make: Make) -> None:
    """the rejection carries name, seconds left and last cause"""
    subject = opened(make(timeout=5))
    try:
        subject.call(fine)
    except subject.rejection as error:
        name, left, cause = subject.told(error)
    assert name == "subject"
    assert left is not None
    assert 4.5 < left <= 5
    assert isinstance(cause, Down)


@case
def rejection_keeps_no_frames(make: Make) -> None:
    """a thousand rejections leave no growing traceback behind"""
    subject = opened(make(timeout=5))
    depth = 0
    for _ in range(1000):
        try:
            subject.call(fine)
        except subject.rejection as error:
            depth, trace = 0, error.__traceback__
            while trace is not None:
                depth, trace = depth + 1, trace.tb_next
    assert depth < 50


@case
def cause_keeps_no_frames(make: Make) -> None:
    """while it is open it keeps nothing of the failed call alive"""

    class Big:
        pass

    subject = make(timeout=5)
    alive = []

    def failing() -> None:
        big = Big()
        alive.append(id(big))
        raise Down(str(big))

    for _ in range(THRESHOLD):
        with contextlib.suppress(Down, subject.rejection):
            subject.call(failing)
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Big]


def _items() -> Iterator[int]:
    yield 1
    yield 2


def _broken_items() -> Iterator[int]:
    yield 1
    raise Down


def _streaming(make: Make) -> Subject:
    subject = make()
    if not subject.streams:
        raise Unsupported
    return subject


@case
def stream_failure(make: Make) -> None:
    """a generator that fails in the middle is a failure"""
    subject = _streaming(make)
    for _ in range(THRESHOLD):
        with contextlib.suppress(Down, subject.rejection):
            list(subject.call(_broken_items))
    assert subject.is_open()


@case
def stream_start(make: Make) -> None:
    """making a generator is not a success"""
    subject = _streaming(make)
    fail(subject, THRESHOLD - 1)
    subject.call(_items)
    fail(subject, 1)
    assert subject.is_open()


def _leave(subject: Subject) -> None:
    stream = subject.call(_items)
    next(stream)
    stream.close()


@case
def stream_left(make: Make) -> None:
    """a reader that leaves a stream is neither failure nor success"""
    subject = _streaming(make)
    for _ in range(THRESHOLD):
        _leave(subject)
    assert not subject.is_open()
    fail(subject, THRESHOLD - 1)
    _leave(subject)
    fail(subject, 1)
    assert subject.is_open()


@case
def forced_open(make: Make) -> None:
    """forced open by hand it stays open"""
    subject = make()
    subject.force_open()
    time.sleep(TIMEOUT * 1.5)
    calls: list[int] = []
    with contextlib.suppress(subject.rejection):
        subject.call(lambda: calls.append(1))
    assert calls == []


@case
def taken_out(make: Make) -> None:
    """it can be disabled, and it can count without opening"""
    for switch in ("disable", "metrics_only"):
        subject = make()
        getattr(subject, switch)()
        fail(subject, THRESHOLD * 2)
        assert subject.call(fine) == "fine"
