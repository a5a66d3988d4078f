"""Jupiter itself for a test: `python run.py` as a process of its own, with nothing of this process in it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.client import Events, Rest
from tests.support.processes import in_session, resident_bytes
from tests.support.requirements import ROOT

TOKEN = "test-administrator-token"
# Upstreams that refuse at once and never open a breaker: for tests that are about something else.
NOWHERE = {
    "JUPITER_SOURCE_CISA_KEV_URL": "http://127.0.0.1:1/kev.json",
    "JUPITER_SOURCE_EPSS_URL": "http://127.0.0.1:1/epss",
    "JUPITER_SOURCE_NVD_URL": "http://127.0.0.1:1/cves",
    "JUPITER_SOURCE_GHSA_URL": "http://127.0.0.1:1/advisories",
    "JUPITER_SOURCE_HACKER_NEWS_URL": "http://127.0.0.1:1/search",
    "JUPITER_SOURCE_MASTODON_URL": "http://127.0.0.1:1",
    "JUPITER_PULSE_FEEDS": "http://127.0.0.1:1/feed.xml",
    "JUPITER_BREAKER_FAILURES": "1000000",
}
READY = re.compile(r"(http://[^/\s]+)/login\?token=(\S+)")
NOISE = re.compile(r"warning|traceback|deprecat|exception", re.IGNORECASE)
STOP_SECONDS = 10.0


class Jupiter:
    """A server in a subprocess.

    Args:
        folder: holds its data and what it prints; also its working directory, so no .env of the developer is read.
        environ: settings on top of a bare environment (no setting of the developer's shell gets through).
        args: after `run.py`.
        prefix: a command to run it under, e.g. one that takes the network away.
        bare: start with no settings at all, not even port, token and data folder.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str] | None = None,
        *,
        args: tuple[str, ...] = (),
        prefix: tuple[str, ...] = (),
        bare: bool = False,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        own = {"JUPITER_PORT": "0", "JUPITER_ADMIN_TOKEN": TOKEN, "JUPITER_DATA_DIR": str(folder / "var")}
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH") if name in os.environ}
        self.environ = {**kept, "HOME": str(folder), **({} if bare else own), **(environ or {})}
        self.command = [*prefix, sys.executable, str(ROOT / "run.py"), *args]
        self.url = self.token = self.link = ""
        self.ready_seconds = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 90.0) -> "Jupiter":
        """Start it and wait for the line with the link."""
        started = time.monotonic()
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        while not (found := READY.search(self.stdout)):
            if self.process.poll() is not None or time.monotonic() - started > timeout:
                told = self.output
                self.kill()
                raise AssertionError(f"the server did not become ready:\n{told[-4000:]}")
            time.sleep(0.01)
        self.ready_seconds = time.monotonic() - started
        self.link, self.url, self.token = found[0], found[1], found[2]
        return self

    def __enter__(self) -> "Jupiter":
        return self.start() if self.process is None else self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return (self.folder / "stdout").read_text(errors="replace")

    @property
    def output(self) -> str:
        """Both streams so far."""
        return self.stdout + (self.folder / "stderr").read_text(errors="replace")

    def noise(self) -> list[str]:
        """Return the lines that a calm terminal must not have."""
        return [line for line in self.output.splitlines() if NOISE.search(line)]

    def stop(self) -> int:
        """Ask it to end, as a service manager does, and return its exit status; it must do so in time."""
        assert self.process is not None, "the server was not started"
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM:\n{self.output[-2000:]}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End it and all that it has started, whatever state they are in."""
        if self.process is None:
            return
        for number in self.leftover():
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)

    def leftover(self) -> list[int]:
        """Return the processes that still run in its session."""
        assert self.process is not None, "the server was not started"
        return in_session(self.process.pid)

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        assert self.process is not None, "the server was not started"
        return resident_bytes(self.process.pid)

    def token_for(self, user: str, role: str, *, expires: float = 600) -> str:
        """Return a signed token for somebody else than the administrator."""
        asked = ["token", "--user", user, "--role", role, "--expires", str(expires)]
        made = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *asked],
            cwd=self.folder,
            env=self.environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.strip().splitlines()[-1]

    def rest(self, token: str | None = None, **options: Any) -> Rest:
        """Return a REST client, as the administrator if no token is given."""
        return Rest(self.url, self.token if token is None else token, **options)

    def events(self, token: str | None = None) -> Events:
        """Return a connected Socket.IO client, as the administrator if no token is given."""
        return Events().connect(self.url, self.token if token is None else token)
