"""The pages' own modules: what needs no browser is tested with node's test runner, in *.test.mjs beside this file."""

import subprocess
from pathlib import Path

import pytest

from tests.support.requirements import require_node

HERE = Path(__file__).parent


@pytest.mark.node
def test_the_modules_pass_their_tests_under_node() -> None:
    """Every *.test.mjs passes."""
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    ran = subprocess.run([require_node(), "--test", *files], capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stdout[-8000:]
