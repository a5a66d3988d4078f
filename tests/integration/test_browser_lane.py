"""The browser's tests, in a process of their own: see tests/browser/conftest.py."""

import os
import subprocess
import sys

import pytest

from tests.support.requirements import ROOT, require_chromium


@pytest.mark.browser
@pytest.mark.timeout(1500)
def test_the_browser_tests_pass():
    require_chromium()
    environ = {**os.environ, "JUPITER_TEST_ASYNC_MODE": "threading"}
    command = [sys.executable, "-m", "pytest", "-q", "--durations=8", "tests/browser"]
    told = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    print(told.stdout, told.stderr)  # noqa: T201  (pytest shows it where this fails)
    assert told.returncode == 0, "the browser tests failed; their output is above"
