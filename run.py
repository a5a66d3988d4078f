"""Start Jupiter: `python run.py`, `python run.py --workers 4`, `python run.py demo`, `python run.py token`."""

import os
import sys

from backend import runtime, worker_seat

try:  # before anything else is imported: the async mode replaces parts of the standard library
    if not worker_seat.is_parent(sys.argv[1:]):  # which serves nothing, and starts workers that do this themselves
        runtime.patch(os.environ.get("JUPITER_ASYNC_MODE") or "eventlet")
except ValueError as error:
    sys.exit(f"JUPITER_ASYNC_MODE: {error}")

import argparse
import dataclasses

from backend.config import MOST_WORKERS, Settings, SettingsError, load_settings
from backend.listening import ServeError


def main(arguments: list[str] | None = None) -> int:
    """Run the command that `arguments` (the process's own where not given) ask for; return the exit status."""
    parser = argparse.ArgumentParser(prog="run.py", description="Jupiter, a real-time security dashboard server.")
    parser.add_argument("--workers", type=int, metavar="N", help="serve with so many processes; needs REDIS_URL")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="serve (also without a command)")
    commands.add_parser("demo", help="serve with simulated upstreams that can be broken from the console")
    token = commands.add_parser("token", help="print a bearer token for a person or a program")
    token.add_argument("--user", required=True, help="whose token it is")
    token.add_argument("--role", choices=["viewer", "analyst", "administrator"], default="viewer")
    token.add_argument("--expires", type=float, default=86_400.0, metavar="SECONDS", help="good for so long (a day)")
    _describe_user(commands.add_parser("user", help="list and change the accounts of people who sign in"))
    schema = commands.add_parser("schema", help="print the PostgreSQL schema with its policies")
    schema.add_argument("--apply", action="store_true", help="bring the configured database to it")
    asked = parser.parse_args(arguments)
    try:
        return _run(asked)
    except (SettingsError, ServeError) as error:
        print(f"❌ {error}", file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "demo":
        return _demo()
    settings = load_settings()
    for notice in settings.notices:
        print(f"note: {notice}", file=sys.stderr)
    if asked.command == "token":
        return _token(settings, asked)
    if asked.command == "user":
        from backend.app.user_command import run_user

        return run_user(settings, asked, tell=_tell)
    if asked.command == "schema":
        from backend.app.schema_command import run_schema

        return run_schema(settings, apply=asked.apply, tell=_tell)
    return _serve(settings, asked.workers)


def _describe_user(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", metavar="act", required=True)
    acts.add_parser("list", help="show all accounts")
    add = acts.add_parser("add", help="make an account; the password is asked for, or read from a pipe")
    passwd = acts.add_parser("passwd", help="set a password, which is asked for, or read from a pipe")
    role = acts.add_parser("role", help="give another role; it holds at once, for open pages too")
    disable = acts.add_parser("disable", help="end all that somebody has open, and let them in no more")
    enable = acts.add_parser("enable", help="let somebody in again")
    for act in (add, passwd, role, disable, enable):
        act.add_argument("name", help="what they sign in with")
    role.add_argument("role", choices=["viewer", "analyst", "administrator"])
    add.add_argument("--role", choices=["viewer", "analyst", "administrator"], default="viewer")


def _serve(settings: Settings, workers: int | None) -> int:
    if workers is not None and not worker_seat.is_worker():
        if not 1 <= workers <= MOST_WORKERS:
            raise SettingsError(f"--workers must be between 1 and {MOST_WORKERS}")
        settings = dataclasses.replace(settings, workers=workers)
    if settings.workers > 1 and not worker_seat.is_worker():
        from backend.supervisor import own_command, supervise

        return supervise(settings, own_command(), tell=_tell)
    from backend.server import serve

    serve(_in_mode(settings), tell=_tell)
    return 0


def _token(settings: Settings, asked: argparse.Namespace) -> int:
    from backend.app import make_tokens
    from backend.app.shell_acts import note_act

    try:
        token = make_tokens(settings).issue(asked.user, asked.role, asked.expires)
        note_act(settings, "issue_token", asked.user, role=asked.role, seconds=asked.expires)
        print(token)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return 0


def _demo() -> int:
    from backend.demo import start_demo
    from backend.server import serve

    demo = start_demo()
    try:
        settings = load_settings({**os.environ, **demo.environ()}, env_file=None)
        demo_data = settings.data_dir / "demo"
        settings = dataclasses.replace(settings, demo=True, data_dir=demo_data)
        serve(_in_mode(settings), tell=_tell, replacements={"simulators": demo})
    finally:
        demo.stop()
    return 0


def _in_mode(settings: Settings) -> Settings:
    """The mode in force was chosen before a .env file could be read; say so where they differ."""
    if settings.async_mode != runtime.mode():
        raise SettingsError("JUPITER_ASYNC_MODE must be set in the environment: it is needed before .env is read")
    return settings


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
