"""`python run.py schema`: the schema printed, and applied where that can be done."""

import os
import subprocess
import sys

import pytest

from backend.app.schema_command import connection_environ, postgres_schema
from backend.storage.database import rows
from backend.storage.migrations import steps
from backend.storage.sqlite import SqliteDatabase
from backend.storage.tables import TABLES
from tests.support.requirements import ROOT

SUPABASE = {"SUPABASE_URL": "https://x.supabase.co", "SUPABASE_KEY": "sb_secret_of_these_tests"}
ADDRESS = "postgresql://postgres.x:se%40cret@db.example.org:6543/postgres?sslmode=require"
PSQL = """#!/bin/sh
{{ env | grep '^PG' | sort; echo "arguments: $*"; cat; }} > {seen}
echo "{says}" >&2
exit {status}
"""


@pytest.fixture
def run(tmp_path):
    def run_schema(*words, path="", **environ):
        base = {"PATH": path or os.devnull, "HOME": str(tmp_path), "JUPITER_DATA_DIR": str(tmp_path / "var")}
        done = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), "schema", *words],
            cwd=tmp_path,
            env={**base, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run_schema


@pytest.fixture
def psql(tmp_path):
    """A psql that notes what it is given."""

    def make(status=0, says=""):
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "psql"
        program.write_text(PSQL.format(seen=tmp_path / "seen", says=says, status=status))
        program.chmod(0o755)
        return f"{folder}:/usr/bin:/bin"

    return make


def test_it_is_printed_whole_and_nothing_else(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    assert out.strip() == postgres_schema().strip()
    for table in TABLES:
        assert f"create table if not exists public.{table} (" in out
        assert f"alter table public.{table} enable row level security" in out


def test_without_supabase_the_local_database_is_brought_to_it(run, tmp_path):
    newest = steps()[-1][0]
    for _ in range(2):
        assert run("--apply")[:2] == (0, f"✅ {tmp_path}/var/jupiter.sqlite3 has schema {newest}\n")


def test_who_applied_it_is_in_the_audit_log(run, tmp_path):
    assert run("--apply")[0] == 0
    database = SqliteDatabase(tmp_path / "var" / "jupiter.sqlite3")
    try:
        (noted,) = rows(database.execute_query("audit_log", "select"))
    finally:
        database.close()
    assert (noted["action"], noted["target"], noted["user_id"][:6]) == ("apply_schema", "database", "shell:")


def test_with_supabase_it_is_said_what_to_do_where_it_cannot_be_applied(run):
    for environ in (SUPABASE, {**SUPABASE, "SUPABASE_DB_URL": ADDRESS}):
        status, out, _ = run("--apply", **environ)
        assert status == 1
        assert "SQL editor" in out
        assert "se%40cret" not in out


def test_psql_gets_it_in_one_transaction_and_the_password_in_no_argument(run, psql, tmp_path):
    status, out, _ = run("--apply", path=psql(), **SUPABASE, SUPABASE_DB_URL=ADDRESS)
    assert (status, out) == (0, "✅ The schema is applied\n")
    seen = (tmp_path / "seen").read_text()
    arguments = next(line for line in seen.splitlines() if line.startswith("arguments"))
    assert "--single-transaction" in arguments
    assert "ON_ERROR_STOP=1" in arguments
    assert "se@cret" not in arguments
    assert "PGPASSWORD=se@cret" in seen
    assert postgres_schema().strip() in seen


def test_what_psql_says_is_told_when_it_fails(run, psql):
    path = psql(2, "FATAL: password authentication failed")
    status, out, _ = run("--apply", path=path, **SUPABASE, SUPABASE_DB_URL=ADDRESS)
    assert status == 1
    assert "nothing is changed: FATAL: password authentication failed" in out


def test_a_connection_string_becomes_what_libpq_reads():
    assert connection_environ(ADDRESS) == {
        "PGHOST": "db.example.org",
        "PGPORT": "6543",
        "PGUSER": "postgres.x",
        "PGPASSWORD": "se@cret",
        "PGDATABASE": "postgres",
        "PGSSLMODE": "require",
    }


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"SUPABASE_URL": "https://x.supabase.co"}, "SUPABASE_KEY"),
        ({"SUPABASE_KEY": "sb_secret_x"}, "SUPABASE_URL"),
        ({**SUPABASE, "SUPABASE_JWT_SECRET": "short"}, "SUPABASE_JWT_SECRET"),
        ({**SUPABASE, "SUPABASE_DB_URL": "mysql://x"}, "SUPABASE_DB_URL"),
        ({"JUPITER_TRUSTED_PROXIES": "-1"}, "JUPITER_TRUSTED_PROXIES"),
        ({"JUPITER_ACCOUNT_LOGIN_RATE_LIMIT": "often"}, "JUPITER_ACCOUNT_LOGIN_RATE_LIMIT"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(run, environ, named):
    status, _, err = run(**environ)
    assert status == 2
    assert named in err
