"""A real redis-server for a test, on a free port, that keeps nothing."""

import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.support.requirements import require_redis

LOWEST_PORT = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that nobody listens on, and that no outgoing connection is given before it is used."""
    beyond = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32_768
    while True:
        port = LOWEST_PORT + secrets.randbelow(max(beyond - LOWEST_PORT, 10_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """redis-server in a process of its own, which can be frozen, killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._binary = require_redis()
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, timeout: float = 10.0) -> None:
        """Start it and wait until it answers."""
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [self._binary, "--port", str(self.port), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + timeout
        while not self.answers():
            assert self._process.poll() is None, "redis-server ended at once"
            assert time.monotonic() < deadline, "redis-server did not answer in time"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Tell whether it answers PING."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def freeze(self) -> None:
        """Stop it from running, with its connections open: the worst way for a dependency to fail."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it and wait for its end; frozen or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None, "redis-server is not running"
        self._process.send_signal(number)
