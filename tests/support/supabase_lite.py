"""Supabase's REST and Auth protocol: `@supabase/lite` over PGlite, with Jupiter's tables, in a process of its own."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.support.redis import free_port
from tests.support.requirements import ROOT, missing, require_node

PACKAGES = Path(__file__).parent / "supabase"
SCHEMA = ROOT / "backend" / "storage" / "schema" / "postgres.sql"
TABLES = ("messages", "conversations", "experiments", "audit_log", "findings", "scans", "watch_list", "alerts")
JWT_SECRET = "a secret of this test alone, 64 characters long, never used again"
QUIET = {"LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1"}
CONFIG = """
[api]
port = {port}
aggregates_enabled = true

[db]
driver = "pglite"
url = "supabase/.temp/data"

[db.migrations]
schema_paths = [ "./schemas/schema.sql" ]

[auth]
enabled = true
jwt_secret = "{secret}"
publishable_key = "env(SUPABASE_PUBLISHABLE_KEY)"
secret_key = "env(SUPABASE_SECRET_KEY)"
"""


def require_supabase_lite() -> list[str]:
    """Return the command; installs the package at the first use."""
    node = require_node()
    program = PACKAGES / "node_modules" / "@supabase" / "lite" / "dist" / "cli" / "index.js"
    with (PACKAGES / "package-lock.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two runs of tests beside each other may both want it
        installed = program.exists() or _install()
    if not installed:
        missing("@supabase/lite", f"run `npm ci` in {PACKAGES.relative_to(ROOT)}")
    return [node, str(program)]


def _install() -> bool:
    npm = shutil.which("npm")
    if not npm:
        return False
    command = [npm, "ci", "--no-audit", "--no-fund"]
    return subprocess.run(command, cwd=PACKAGES, check=False, capture_output=True, timeout=300).returncode == 0


class SupabaseLite:
    """A project in `folder`, served on a free port."""

    def __init__(self, folder: Path) -> None:
        self._command = require_supabase_lite()
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._environ = os.environ | QUIET
        self._run("init", "--pglite")
        supabase = folder / "supabase"
        (supabase / "config.toml").write_text(CONFIG.format(port=self.port, secret=JWT_SECRET))
        (supabase / "schemas" / "schema.sql").write_text(SCHEMA.read_text())
        keys = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines() if "=" in line)
        self.key = keys["SUPABASE_SECRET_KEY"].strip("\"'")

    @property
    def url(self) -> str:
        """The address for SUPABASE_URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout: float = 90.0) -> None:
        """Start it, make the tables, and wait until they answer."""
        log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [*self._command, "dev"],
            cwd=self._folder,
            env=self._environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        deadline = time.monotonic() + timeout
        try:
            self._wait(deadline)
        except AssertionError:
            self.stop()
            raise

    def _wait(self, deadline: float) -> None:
        assert self._process is not None
        while not self._answers():
            told = (self._folder / "log").read_text(errors="replace")[-2000:]
            assert self._process.poll() is None, f"it ended at once:\n{told}"
            assert time.monotonic() < deadline, f"it did not answer in time:\n{told}"
            time.sleep(0.2)

    def stop(self) -> None:
        """End it with all it has started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def empty(self) -> None:
        """Delete all rows."""
        for table in TABLES:
            answer = httpx.delete(f"{self.url}/rest/v1/{table}?id=not.is.null", headers=self._headers(), timeout=30)
            assert answer.is_success, answer.text

    def token(self, user_id: str, *, role: str | None = None, expires_in: float = 3600.0) -> str:
        """Return an access token as Auth gives it."""
        now = time.time()
        claims: dict[str, Any] = {
            "sub": user_id,
            "aud": "authenticated",
            "role": "authenticated",
            "iat": int(now),
            "exp": int(now + expires_in),
            "app_metadata": {"role": role} if role else {},
        }
        return jwt.encode(claims, JWT_SECRET, algorithm="HS256")

    def _headers(self) -> dict[str, str]:
        return {"apikey": self.key, "Authorization": f"Bearer {self.key}"}

    def _answers(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/rest/v1/audit_log?limit=1", headers=self._headers(), timeout=5)
        except httpx.HTTPError:
            return False
        return answer.is_success

    def _run(self, *words: str) -> None:
        subprocess.run(
            [*self._command, *words], cwd=self._folder, env=self._environ, check=True, capture_output=True, timeout=60
        )
