"""Start Jupiter: `python run.py`, `python run.py demo`, `python run.py token --user ann --role analyst`."""

import os
import sys

from backend import runtime

try:  # before anything else is imported: the async mode replaces parts of the standard library
    runtime.patch(os.environ.get("JUPITER_ASYNC_MODE") or "eventlet")
except ValueError as error:
    sys.exit(f"JUPITER_ASYNC_MODE: {error}")

import argparse
import dataclasses

from backend.config import Settings, SettingsError, load_settings
from backend.server import ServeError, serve


def main(arguments: list[str] | None = None) -> int:
    """Run the command that `arguments` (the process's own where not given) ask for; return the exit status."""
    parser = argparse.ArgumentParser(prog="run.py", description="Jupiter, a real-time security dashboard server.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("serve", help="serve (also without a command)")
    commands.add_parser("demo", help="serve with simulated upstreams that can be broken from the console")
    token = commands.add_parser("token", help="print a bearer token for a person or a program")
    token.add_argument("--user", required=True, help="whose token it is")
    token.add_argument("--role", choices=["viewer", "analyst", "administrator"], default="viewer")
    token.add_argument("--expires", type=float, default=86_400.0, metavar="SECONDS", help="good for so long (a day)")
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
    serve(_in_mode(settings), tell=_tell)
    return 0


def _token(settings: Settings, asked: argparse.Namespace) -> int:
    from backend.app import make_tokens

    try:
        print(make_tokens(settings).issue(asked.user, asked.role, asked.expires))
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return 0


def _demo() -> int:
    from backend.demo import start_demo

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
