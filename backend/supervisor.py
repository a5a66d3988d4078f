"""The parent of several workers: opens the socket, starts them, replaces those that die, and ends with them.

Workers are new processes, not forks: each patches its own standard library. They share the listening socket, so a
connection that arrives while one is replaced is taken by another. The parent itself serves nothing and needs nothing.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backend import logs
from backend.config import Settings
from backend.listening import ServeError, listen
from backend.worker_seat import FILES, NUMBER, SINCE

START_SECONDS = 60.0
END_SECONDS = 9.0  # a worker's own drain takes 5 s at most, and closing what it has open a moment more
SHORT_LIFE = 10.0
LONGEST_PAUSE = 30.0

logger = logging.getLogger("jupiter.server")


@dataclass
class _Worker:
    """One process."""

    number: int
    process: subprocess.Popen[bytes]
    line: socket.socket
    started: float
    link: str = ""
    ends_by: float | None = None

    def fileno(self) -> int:
        return self.line.fileno()

    def hear(self) -> None:
        """Take in what it says: the link, once it serves."""
        said = self.line.recv(4096)
        self.link = self.link or said.decode(errors="replace").strip()

    def end(self, number: int = signal.SIGTERM) -> None:
        self.ends_by = self.ends_by or time.monotonic() + END_SECONDS
        if self.process.poll() is None:
            self.process.send_signal(number)


@dataclass
class _Place:
    """The place of one number: who sits on it, and when it is taken again after a death."""

    number: int
    worker: _Worker | None = None
    deaths: int = 0
    again_at: float = 0.0
    leaving: list[_Worker] = field(default_factory=list)


def _at_terminal() -> bool:
    return os.isatty(0)


class Supervisor:
    """Runs the workers.

    Args:
        settings: with `workers` and `redis_url`.
        command: starts one worker.
        tell: shows a line to the person who started it.
        environ: of the workers, before what their seat adds.
        at_terminal: tells whether a person's terminal is there, whose closing ends everything; otherwise a hangup asks
            for new workers.
    """

    def __init__(
        self,
        settings: Settings,
        command: Sequence[str],
        *,
        tell: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
        at_terminal: Callable[[], bool] = _at_terminal,
    ) -> None:
        self._settings = settings
        self._command = list(command)
        self._tell = tell
        self._environ = dict(environ)
        self._since = datetime.now(UTC).isoformat()
        self._places = [_Place(number) for number in range(1, settings.workers + 1)]
        self._signals: list[int] = []
        self._ends_on = {signal.SIGTERM, signal.SIGINT} | ({signal.SIGHUP} if at_terminal() else set())
        self._rolling: list[int] = []
        self._told = False

    def run(self) -> int:
        """Serve until a signal comes; return the exit status.

        Raises:
            ServeError: the settings do not allow several workers, the address cannot be used, or no worker starts.
        """
        if self._settings.redis_url is None:
            raise ServeError(
                "several workers need Redis to share what they know: set REDIS_URL, for example "
                "REDIS_URL=redis://127.0.0.1:6379/0, or start one process without --workers"
            )
        logs.configure(self._settings.log_level, self._settings.log_format)
        self._listener = listen(self._settings.host, self._settings.port)
        self._wakes = self._catch_signals()
        try:
            for place in self._places:
                self._start(place)
            while not self._ends_on & set(self._signals):
                self._step()
            return 0
        finally:
            self._end_all()

    def _catch_signals(self) -> socket.socket:
        """Note signals, and have them wake up the waiting below."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.detach(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return reading

    def _step(self) -> None:
        """Wait for something to happen, and see to it."""
        self._wait(self._pause())
        now = time.monotonic()
        for place in self._places:
            place.leaving = [each for each in place.leaving if not self._is_gone(each, now)]
            worker = place.worker
            if worker is not None and worker.process.poll() is not None:
                self._died(place, worker, now)
            if worker is not None and not worker.link and now - worker.started > START_SECONDS:
                worker.end(signal.SIGKILL)
            if place.worker is None and now >= place.again_at:
                self._start(place)
        if signal.SIGHUP in self._signals and signal.SIGHUP not in self._ends_on:
            self._signals = [number for number in self._signals if number != signal.SIGHUP]
            self._rolling = [place.number for place in self._places]
            logger.info("📡 Replacing %d workers, one after the other", len(self._rolling))
        self._roll()
        self._tell_ready()

    def _wait(self, seconds: float) -> None:
        talking = [place.worker for place in self._places if place.worker is not None and not place.worker.link]
        waited_for: list[socket.socket | _Worker] = [self._wakes, *talking]
        ready, _, _ = select.select(waited_for, [], [], seconds)
        for one in ready:
            if isinstance(one, _Worker):
                one.hear()
            else:
                self._wakes.recv(4096)
        if any(isinstance(one, _Worker) and not one.link for one in ready):
            time.sleep(0.02)  # its line is closed: its end is a matter of moments

    def _pause(self) -> float:
        now = time.monotonic()
        due = [place.again_at - now for place in self._places if place.worker is None]
        watched = self._rolling or any(
            place.leaving or (place.worker and not place.worker.link) for place in self._places
        )
        return max(0.0, min([*due, 0.2 if watched else 60.0]))

    def _start(self, place: _Place) -> bool:
        """Start a worker on a place; False where the system cannot do that now: the others serve, so it is no end."""
        now = time.monotonic()
        try:
            place.worker = self._new_worker(place.number, now)
        except OSError as error:
            if not self._told:
                raise ServeError(f"worker {place.number} cannot be started: {error.strerror}") from error
            soon = self._put_off(place, place.deaths + 1, now)
            logger.warning(
                "⚠️ Worker %d cannot be started (%s); it is tried again %s", place.number, error.strerror, soon
            )
            return False
        return True

    def _new_worker(self, number: int, now: float) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            given = (self._listener.fileno(), theirs.fileno())
            seat = {NUMBER: str(number), FILES: ",".join(map(str, given)), SINCE: self._since}
            try:
                process = subprocess.Popen(  # noqa: S603 - our own program
                    self._command,
                    env={**self._environ, "JUPITER_WORKERS": str(len(self._places)), **seat},
                    pass_fds=given,
                    stdin=subprocess.DEVNULL,
                    process_group=0,  # what is typed at the terminal is for the parent alone, which passes it on
                )
            except OSError:
                ours.close()
                raise
        return _Worker(number, process, ours, now)

    def _died(self, place: _Place, worker: _Worker, now: float) -> None:
        place.worker = None
        worker.line.close()
        if not self._told and not worker.link:
            raise ServeError(f"worker {worker.number} did not start; what it printed says why")
        soon = self._put_off(place, 1 if now - worker.started > SHORT_LIFE else place.deaths + 1, now)
        text = "⚠️ Worker %d (process %d) %s; it is started again %s"
        logger.warning(text, worker.number, worker.process.pid, _ending(worker.process.returncode), soon)

    @staticmethod
    def _put_off(place: _Place, deaths: int, now: float) -> str:
        """Have a place wait the longer the more deaths there were, and return that in words."""
        place.deaths = deaths
        wait = 0.0 if deaths == 1 else min(LONGEST_PAUSE, 0.5 * 2.0 ** (deaths - 2))
        place.again_at = now + wait
        return "at once" if not wait else f"in {wait:g} s"

    def _roll(self) -> None:
        """Replace one worker at a time: first the new one serves, then the old one goes."""
        while self._rolling:
            place = self._places[self._rolling[0] - 1]
            if place.worker is None or not place.worker.link:
                return
            if place.leaving:
                if any(each.ends_by is None for each in place.leaving):
                    for each in place.leaving:
                        each.end()
                    self._rolling.pop(0)
                    continue
                return
            old = place.worker
            if time.monotonic() >= place.again_at and self._start(place):
                place.leaving.append(old)
            return

    @staticmethod
    def _is_gone(worker: _Worker, now: float) -> bool:
        if worker.process.poll() is None:
            if worker.ends_by is not None and now > worker.ends_by:
                worker.end(signal.SIGKILL)
            return False
        worker.line.close()
        return True

    def _tell_ready(self) -> None:
        links = [place.worker.link for place in self._places if place.worker is not None]
        if not self._told and len(links) == len(self._places) and all(links):
            self._told = True
            self._tell(f"🪐 Jupiter is ready: {links[0]}  ({len(links)} workers)")

    def _end_all(self) -> None:
        workers = [place.worker for place in self._places if place.worker] + [
            leaving for place in self._places for leaving in place.leaving
        ]
        for worker in workers:
            worker.end()
        ends = time.monotonic() + END_SECONDS
        while any(worker.process.poll() is None for worker in workers):
            if time.monotonic() > ends:
                logger.warning("⚠️ Workers that did not end in time are killed")
                for worker in workers:
                    worker.end(signal.SIGKILL)
                ends += END_SECONDS
            select.select([self._wakes], [], [], 0.05)
            time.sleep(0.01)
        self._listener.close()


def supervise(settings: Settings, command: Sequence[str], *, tell: Callable[[str], None], **more: Any) -> int:
    """Run `settings.workers` workers until a signal comes; see `Supervisor`."""
    return Supervisor(settings, command, tell=tell, **more).run()


def own_command() -> list[str]:
    """Return the command that starts one worker: this program, as a plain server."""
    return [sys.executable, os.path.abspath(sys.argv[0]), "serve"]


def _ending(status: int | None) -> str:
    return f"was ended by signal {-status}" if status is not None and status < 0 else f"ended with status {status}"
