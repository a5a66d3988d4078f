"""`python run.py schema`: the PostgreSQL schema with its policies, printed or applied.

Supabase's REST interface cannot change tables, so applying needs the database itself: SUPABASE_DB_URL, and psql or
psycopg, whichever is there. Without them the person is told what to do instead; nothing else is needed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, unquote, urlsplit

from backend.app.adapters import DATABASE_FILE
from backend.app.shell_acts import note_act
from backend.config import Settings
from backend.errors import DatabaseError
from backend.storage.migrations import SCHEMA_DIR
from backend.storage.sqlite import SqliteDatabase

APPLY_SECONDS = 60.0
BY_HAND = (
    "Apply it by hand: open the project's SQL editor and run the output of `python run.py schema` there (it may be run "
    "again), or set SUPABASE_DB_URL to the database's connection string and install psql or psycopg."
)

Tell = Callable[[str], None]


def run_schema(settings: Settings, *, apply: bool, tell: Tell) -> int:
    """Print the schema, or bring the configured database to it; return the exit status."""
    if not apply:
        tell(postgres_schema())
        return 0
    address = settings.supabase.db_url
    if not settings.supabase.given:
        status = _migrate(settings, tell)
    elif address is None:
        tell(f"❌ SUPABASE_DB_URL is not set. {BY_HAND}")
        status = 1
    else:
        status = _apply(address, tell)
    if status == 0:
        note_act(settings, "apply_schema", "database")
    return status


def postgres_schema() -> str:
    """Return the SQL that makes every table, index and policy; it may be run again."""
    return (SCHEMA_DIR / "postgres.sql").read_text(encoding="utf-8")


def _migrate(settings: Settings, tell: Tell) -> int:
    path = settings.data_dir / DATABASE_FILE
    database = SqliteDatabase(path)
    try:
        tell(f"✅ {path} has schema {database.migrate()}")
    except DatabaseError as error:
        tell(f"❌ {error}")
        return 1
    finally:
        database.close()
    return 0


def _apply(address: str, tell: Tell) -> int:
    try:
        if importlib.util.find_spec("psycopg") is not None:
            _with_psycopg(address)
        elif program := shutil.which("psql"):
            _with_psql(program, address)
        else:
            tell(f"❌ Neither psql nor psycopg is installed. {BY_HAND}")
            return 1
    except DatabaseError as error:
        tell(f"❌ The schema was not applied, nothing is changed: {error}")
        return 1
    tell("✅ The schema is applied")
    return 0


def _with_psql(program: str, address: str) -> None:
    """Run it in one transaction. The address travels in the environment: arguments are seen by every user."""
    command = [program, "--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--file", "-"]
    environ = {**os.environ, **connection_environ(address)}
    try:
        done = subprocess.run(  # noqa: S603 - the program is psql, the arguments are ours
            command,
            input=postgres_schema(),
            env=environ,
            text=True,
            capture_output=True,
            timeout=APPLY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DatabaseError(f"psql did not finish: {type(error).__name__}") from None
    if done.returncode != 0:
        raise DatabaseError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "psql gave no reason")


def _with_psycopg(address: str) -> None:
    import psycopg  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - where somebody has it

    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            connection.execute(postgres_schema())
    except psycopg.Error as error:
        raise DatabaseError(str(error).strip()) from None


def connection_environ(address: str) -> Mapping[str, str]:
    """Return a connection string as the environment variables that libpq reads."""
    parts = urlsplit(address)
    found = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        "PGSSLMODE": parse_qs(parts.query).get("sslmode", [""])[0],
    }
    return {name: value for name, value in found.items() if value}
