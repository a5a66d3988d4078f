"""Several clients that write experiments until they have written so many, over any number of restarts of the server."""

import threading
from collections import Counter
from collections.abc import Callable

import httpx

from backend import runtime
from tests.support.server import Jupiter


class Writers:
    """Write `total` experiments from several connections; what was acknowledged is in `acknowledged`, by name.

    A request without an answer is not repeated: nobody knows whether it has come through. One without a connection is.
    """

    def __init__(self, jupiter: Jupiter, total: int, workers: int = 10) -> None:
        self.jupiter = jupiter
        self.acknowledged: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.unanswered: list[str] = []
        self._todo = [f"write {number:04}" for number in reversed(range(total))]
        self._may = threading.Event()
        self._tasks = [runtime.spawn(self._work) for _ in range(workers)]
        self._may.set()

    @property
    def tried(self) -> int:
        return sum(self.statuses.values()) + len(self.unanswered)

    def pause(self) -> None:
        """Let no more requests be sent."""
        self._may.clear()

    def go_on(self) -> None:
        """Send on, to the server as it is now."""
        self._may.set()

    def wait_until(self, tried: int, *, seconds: float = 120.0) -> None:
        """Wait until so many have been tried."""
        _wait(lambda: self.tried >= tried, seconds)

    def finish(self, seconds: float = 180.0) -> None:
        """Wait until all is written."""
        for task in self._tasks:
            assert task.wait(seconds), f"after {self.tried} writes"

    def _work(self) -> None:
        while True:
            self._may.wait()
            if not self._todo:
                return
            name, token = self._todo.pop(), self.jupiter.token
            try:
                answer = httpx.post(
                    f"{self.jupiter.url}/api/experiments",
                    json={"name": name, "experiment_type": "benchmark"},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=30,
                    trust_env=False,
                )
            except httpx.ConnectError:  # it has reached nobody: the server is being killed, or started again
                self._todo.append(name)
                runtime.sleep(0.05)
            except httpx.HTTPError:
                self.unanswered.append(name)
            else:
                self.statuses[answer.status_code] += 1
                if answer.status_code in (201, 202):
                    self.acknowledged[name] = answer.json()["id"]


def _wait(check: Callable[[], bool], seconds: float) -> None:
    waited = 0.0
    while not check():
        assert waited < seconds, "waited too long"
        runtime.sleep(0.02)
        waited += 0.02
