"""The kit's whole suite on the async modes that the rest of the tests does not run in."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend import runtime

ROOT = Path(__file__).resolve().parents[2]
SUITE = ("tests/unit/resilience", "tests/unit/runtime")
TOO_EARLY = ("-p", "no:schemathesis", "-p", "no:anyio")  # plugins that import ssl before the conftest can patch it


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [mode for mode in runtime.MODES if mode != runtime.mode()])
def test_the_kit_passes_its_suite_in_the_other_modes(mode):
    if mode == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed; `make test` installs it")
    environ = {**os.environ, "JUPITER_TEST_ASYNC_MODE": mode}
    command = [sys.executable, "-m", "pytest", "-q", *TOO_EARLY, *SUITE]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 400
