"""Run every case against every library and print the table: python -m tests.conformance [--write FILE]."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from pathlib import Path

from backend import runtime

runtime.patch("eventlet")

from tests.conformance.table import PARTS, as_markdown, run  # noqa: E402 - after the patch


def main() -> int:
    """Return 1 where this kit fails a case, or something is not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="write the table to this file too, as docs/conformance.md is")
    given = parser.parse_args()
    if not shutil.which("redis-server"):
        sys.stderr.write("redis-server is missing; install the package redis-server and run again\n")
        return 1
    logging.disable()  # what listeners raise is logged; here that is wanted
    found = [run(part) for part in PARTS]
    text = as_markdown(found)
    sys.stdout.write(text)
    if given.write:
        given.write.write_text(text, encoding="utf-8")
    missing = sorted({name for table in found for name, column in table.items() if not column})
    if missing:
        sys.stderr.write(f"not installed: {', '.join(missing)}; pip install -r tests/conformance/requirements.txt\n")
    return 1 if missing or any(set(table["this kit"].values()) != {"yes"} for table in found) else 0


if __name__ == "__main__":
    sys.exit(main())
