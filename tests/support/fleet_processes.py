"""The test's side of the worker processes in fleet_worker.py."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """One worker process. Every command of `fleet_worker.Worker` is a method: `worker.states(name="x")`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rwb")
        self.pid = 0

    def __getattr__(self, command: str) -> Callable[..., Any]:
        def told(**options: Any) -> Any:
            self.send(command, **options)
            return self.answer()

        return told

    def send(self, command: str, **options: Any) -> None:
        """Tell it to do something and do not wait."""
        self._lines.write(json.dumps({"do": command, **options}).encode() + b"\n")
        self._lines.flush()

    def answer(self) -> Any:
        """Return the answer to the oldest command that has had none."""
        line = self._lines.readline()
        assert line, "the worker has ended"
        return json.loads(line)

    def freeze(self) -> None:
        """Let it run no more, with its connections open."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, in the middle of whatever it is doing."""
        os.kill(self.pid, signal.SIGKILL)
        self.forget()

    def forget(self) -> None:
        """Close the way to it."""
        with contextlib.suppress(OSError):
            self._lines.close()
        self._connection.close()


class Workers(list[Worker]):
    """So many worker processes; a context manager that ends them."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._process: subprocess.Popen[bytes] | None = None
        if count == 0:
            return
        with socket.create_server(("127.0.0.1", 0), backlog=count) as listener:
            listener.settimeout(60)
            port = str(listener.getsockname()[1])
            command = [sys.executable, "-m", "tests.support.fleet_worker", port, str(count)]
            self._process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            for _ in range(count):
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.append(Worker(connection))
        for worker in self:
            worker.pid = worker.process()

    @classmethod
    def of(cls, some: Iterable[Worker]) -> Workers:
        """Some of the workers, which somebody else will end."""
        made = cls(0)
        made.extend(some)
        return made

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def all(self, command: str, **options: Any) -> list[Any]:
        """Tell all to do it at the same time and return their answers in order."""
        for worker in self:
            worker.send(command, **options)
        return [worker.answer() for worker in self]

    def join(self, url: str, *, members: int = 1, timing: dict[str, float] | None = None, **breakers: Any) -> None:
        """Let all join the fleet at `url` with these breakers and wait until all are connected."""
        self.all("join", url=url, members=members, timing=timing, breakers=breakers)
        self.until(lambda: all(all(each) for each in self.all("connected")), "not all are connected")

    def states(self, name: str) -> list[list[Any]]:
        """Return number, state, failures, author and reason of every member."""
        return [state for states in self.all("states", name=name) for state in states]

    def agree(self, name: str, state: str, seconds: float = 10.0) -> None:
        """Wait until all are in this state by the same number."""
        self.until(
            lambda: _agreed(self.states(name), state), lambda: f"not all are {state}: {self.states(name)}", seconds
        )

    @staticmethod
    def until(check: Callable[[], bool], otherwise: str | Callable[[], str], seconds: float = 10.0) -> None:
        """Wait until `check` says so."""
        end = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < end, otherwise if isinstance(otherwise, str) else otherwise()
            time.sleep(0.01)

    def stop(self) -> None:
        """End them all."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        for worker in self:
            worker.forget()


def _agreed(states: list[list[Any]], wanted: str) -> bool:
    return {state for _, state, *_ in states} == {wanted} and len({number for number, *_ in states}) == 1
