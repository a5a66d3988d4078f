"""Jupiter in a process of its own, over a database that can be told to fail and to hang."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.requirements import ROOT
from tests.support.server import Jupiter


class UnreliableJupiter(Jupiter):
    """A server whose database does as `told`; see `unreliable_server`."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, environ)
        self._control = folder / "control.json"
        self._questions = folder / "questions"
        self.environ["PYTHONPATH"] = str(ROOT)
        self.command = [
            sys.executable,
            "-m",
            "tests.support.unreliable_server",
            str(self._control),
            str(self._questions),
        ]
        self.told()

    def told(self, *, fail: tuple[str, ...] = (), hang: tuple[str, ...] = ()) -> None:
        """Tell the database what to do from now on; nothing heals it."""
        new = self._control.with_suffix(".new")
        new.write_text(json.dumps({"fail": fail, "hang": hang}))
        os.replace(new, self._control)

    def asked(self) -> int:
        """Return how many questions about experiments have reached the database.

        Those of the background do not count: it looks every second for what was taken back, and whether the database
        answers at all.
        """
        lines = self._questions.read_text().splitlines()
        return sum(line.startswith("experiments ") and line != "experiments select id" for line in lines)
