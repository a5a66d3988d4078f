"""The state of a breaker that all workers share, as a pybreaker storage.

Nothing here is asked on a healthy call or an open rejection: the breaker decides by its own view, and the fleet's
worker keeps that and the server's record together in the background. Only a probe asks while its caller waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from backend.resilience.breaker_storage import HALF_OPEN, BreakerRecord, BreakerStorage, BreakerView
from backend.resilience.clock import Clock
from backend.resilience.fleet.follower import Follower
from backend.resilience.fleet.link import Link
from backend.resilience.fleet.permits import Permits
from backend.resilience.fleet.server import Json, Request
from backend.resilience.fleet.timing import Timing
from backend.resilience.fleet.windows import FleetConsecutive, FleetWindow, MergedWindow, horizon_ms, merged
from backend.resilience.fleet.wire import Move
from backend.resilience.window import Window

Wake = Callable[[float], None]
Run = Callable[..., Any]


class RedisBreakerStorage(BreakerStorage):
    """Keeps one breaker's state in the fleet. Made by `Fleet.breaker_storage`.

    Args:
        name: of the breaker; the same in all workers.
        worker: who we are.
        link: the way to the server.
        wake: asks for an exchange within so many seconds.
        run: runs what listeners may hold up, beside the exchange.
    """

    def __init__(
        self, name: str, *, worker: str, link: Link, clock: Clock, timing: Timing, wake: Wake, run: Run
    ) -> None:
        super().__init__(name, clock)
        self._worker = worker
        self._link = link
        self._timing = timing
        self._wake = wake
        self._run = run
        self._permits = Permits(clock)
        self._ended: list[tuple[int, bool]] = []
        self._lost: Move | None = None
        self._counts_changed = False
        self._recount_at: float | None = None
        self._follower: Follower | None = None

    # What the breaker asks and tells

    def counted_in(self, window: Window) -> Window:
        """Return a window alike that counts with the others."""
        return merged(window, self._note_count)

    def attach(self, view: BreakerView) -> BreakerRecord:
        """Get to know the breaker. It starts from what it has; the fleet's state comes with the first exchange."""
        self._follower = Follower(self._worker, view, self._permits, self._clock)
        return super().attach(view)

    def save(self, record: BreakerRecord) -> None:
        """Send a change to the others, in the background."""
        super().save(record)
        if self._known().decided(record):
            self._wake(0.0)

    def lease(self, record: BreakerRecord, seconds: float) -> bool:
        """Ask the server whether this process may probe; without a server each goes by its own view."""
        if self._permits.others_for() > 0:
            return False
        turns = self._known().turns
        reply = self._link.ask_now(self._question(seconds))
        if reply is None:
            return True
        self._follow(reply, final=True, probing=True)
        if not reply["granted"]:
            self._permits.others_hold(reply["wait"] / 1000)
            return False
        with self._view_of().lock:
            if self._view_of().record.state == HALF_OPEN and self._known().turns == turns:
                self._permits.granted(reply["fence"], seconds)
                return True
            self._ended.append((reply["fence"], False))  # somebody has moved on while we asked
        self._wake(0.0)
        return False

    def held_for(self) -> float:
        """Return the seconds for which others are known to hold every permit to probe."""
        return self._permits.others_for()

    def renew(self) -> None:
        """Hold the permits on, in the background."""
        if self._permits.want_renewal():
            self._wake(0.0)

    def release(self, succeeded: bool) -> None:
        """Give a permit back, in the background."""
        with self._view_of().lock:
            fence = self._permits.give_back()
            if fence is None:
                return
            self._ended.append((fence, succeeded))
        self._wake(0.0)

    # What the fleet's worker asks and tells

    def collect(self, poll: bool) -> Iterator[Request]:
        """Yield what is to be sent now.

        Args:
            poll: all of it, whether it has changed or not.
        """
        if self._view is None:
            return
        with self._view.lock:
            moves, ended, renewals = list(self._known().moves), list(self._ended), self._permits.renewals(poll)
            lost, self._lost = self._lost, None
            counts = self._takes_counts(poll)
        for move in moves if lost is None else [lost, *moves]:
            yield self._proposal(move)
        for entry in ended:
            yield self._return(entry)
        for fence, milliseconds in renewals.items():
            yield self._renewal(fence, milliseconds)
        if counts and not moves:
            yield self._sync()

    def hear(self, message: Json) -> None:
        """Take in a message about this breaker."""
        if self._view is None:
            return
        if message["kind"] == "record":
            self._follow(message, final=False)
        elif message["kind"] == "free":
            self._permits.others_hold(0.0)
        elif message["kind"] == "counts" and message["by"] != self._worker:
            with self._view.lock:
                window = self._window()
                fits = window is not None and self._view.record.generation == message["generation"]
                if window is not None and fits and window.heard(message["run"], message["all"]):
                    self._note_count()

    def alone(self) -> None:
        """Go by our own view: the server is away."""
        if self._view is not None:
            with self._view.lock:
                window = self._window()
                if window is not None:
                    window.forget_others()

    @property
    def record(self) -> BreakerRecord:
        """Return the present state."""
        return self._record if self._view is None else self._view.record

    # Inside

    def _known(self) -> Follower:
        if self._follower is None:
            raise RuntimeError(f"the storage {self.name!r} belongs to no breaker yet")
        return self._follower

    def _view_of(self) -> BreakerView:
        if self._view is None:
            raise RuntimeError(f"the storage {self.name!r} belongs to no breaker yet")
        return self._view

    def _window(self) -> FleetWindow | None:
        window = self._view_of().counting()
        return window if isinstance(window, FleetConsecutive | MergedWindow) else None

    def _note_count(self) -> None:
        """There is something to tell about calls. The breaker's lock is held, so this may do no more than that."""
        if not self._counts_changed:
            self._counts_changed = True
            self._wake(self._timing.flush)

    def _takes_counts(self, poll: bool) -> bool:
        """Whether counts are to be sent now; the server may have named a moment at which it wants them again."""
        left = None if self._recount_at is None else self._recount_at - self._clock.monotonic()
        wanted = poll or self._counts_changed or (left is not None and left <= 0)
        self._counts_changed = False
        if left is not None and left > 0:
            self._wake(left)
        elif wanted:
            self._recount_at = None
        return wanted

    def _push(self, record: BreakerRecord) -> None:
        """What is set through pybreaker's protocol counts as a person's decision."""
        view = self._view_of()
        with view.lock:
            newer = replace(record, generation=view.record.generation + 1, manual=True)
        self.save(newer)
        view.adopt(newer)

    def _request(self, operation: str, args: Json, done: Callable[[Json], None]) -> Request:
        common = {"name": self.name, "worker": self._worker, "keep": round(self._timing.keep * 1000)}
        return Request("breaker", self.name, operation, common | args, done)

    def _question(self, seconds: float) -> Request:
        follower = self._known()
        args = {"lease": round(seconds * 1000), "permits": self._view_of().permits, **follower.standing()}
        if follower.opened is not None:
            args["record"] = follower.opened.told(self._clock)
        return self._request("lease", args, self._answer)

    def _proposal(self, move: Move) -> Request:
        follower = self._known()

        def done(reply: Json) -> None:
            follower.answered(move)
            self._answer(reply)
            self._counts_changed = True  # what was counted meanwhile belongs to the state that is now known
            self._wake(0.0)

        permits = self._view_of().permits
        args = {"record": move.told(self._clock), "fences": move.fences, "permits": permits, **follower.standing()}
        return self._request("propose", args, done)

    def _renewal(self, fence: int, milliseconds: int) -> Request:
        view = self._view_of()

        def done(reply: Json) -> None:
            if "fence" in reply:
                with view.lock:
                    self._permits.replace(fence, reply["fence"])
            self._answer(reply)

        terms = {"generation": view.record.generation, "permits": view.permits}
        return self._request("renew", {"fence": fence, "lease": milliseconds, **terms}, done)

    def _return(self, entry: tuple[int, bool]) -> Request:
        fence, succeeded = entry

        def done(reply: Json) -> None:
            self._ended = [each for each in self._ended if each != entry]
            self._answer(reply)

        args = {"fence": fence, "succeeded": succeeded, "permits": self._view_of().permits}
        return self._request("release", args, done)

    def _sync(self) -> Request:
        view = self._view_of()
        args = self._known().standing()
        with view.lock:
            window, generation = self._window(), view.record.generation
            mark: Any = None
            if window is not None:
                mark, bucket = window.mark(), window.bucket()
                args |= {"generation": generation, "limits": window.limits()} | ({"bucket": bucket} if bucket else {})
                args |= self._terms(window)

        def done(reply: Json) -> None:
            if window is not None and reply.get("counted"):
                with view.lock:
                    window.told(mark, reply)
                if "wait" in reply:
                    self._recount_at = self._clock.monotonic() + reply["wait"] / 1000
                    self._wake(reply["wait"] / 1000)
            self._answer(reply)

        return self._request("sync", args, done)

    def _terms(self, window: FleetWindow) -> Json:
        return {
            "horizon": horizon_ms(window, self._timing.horizon),
            "settle": round(self._timing.settle * 1000),
            "open_ms": round(self._view_of().duration.of(0) * 1000),
        }

    def _answer(self, reply: Json) -> None:
        """Follow the server's record, or give it back what it has lost."""
        self._follow(reply, final=True)
        lost = self._known().forgotten(reply)
        if lost is not None:
            self._lost = lost
            self._wake(self._timing.flush)  # not at once: whatever goes wrong here must not become a busy loop

    def _follow(self, told: Json, *, final: bool, probing: bool = False) -> None:
        server_ms = told["now"] if "now" in told else self._link.server_ms() or told["at"]
        move = self._known().news(told, server_ms, final=final, probing=probing)
        if move is None:
            return
        if probing:
            self._known().take_over(move, final=final)
        else:
            self._run(self._known().take_over, move, final=final)
