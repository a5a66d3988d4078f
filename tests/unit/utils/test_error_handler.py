"""The documented import path: `backend.utils.error_handler`, and `utils.error_handler` with backend/ on the path."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend import errors, resilience
from backend.utils import error_handler

ROOT = Path(__file__).resolve().parents[3]

SAME = """
import utils.error_handler as short
import backend.utils.error_handler as long
assert short is long, (short, long)
from utils.error_handler import CircuitBreaker, error_aggregator
from backend.resilience.aggregator import error_aggregator as theirs
assert error_aggregator is theirs
assert CircuitBreaker is long.CircuitBreaker
for name in long.__all__:
    assert getattr(short, name) is getattr(long, name), name
print("the same")
"""
LONG_FIRST = "import backend.utils.error_handler\n" + SAME
PACKAGE_FIRST = "import utils\nassert utils.__name__ == 'backend.utils', utils\n" + SAME


def run(code, path, cwd):
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("code", [SAME, PACKAGE_FIRST])
def test_with_only_backend_on_the_path_both_names_are_one_module(code, tmp_path):
    assert run(code, [ROOT / "backend"], tmp_path) == "the same\n"


@pytest.mark.parametrize("code", [SAME, LONG_FIRST, PACKAGE_FIRST])
def test_with_both_on_the_path_they_are_too(code, tmp_path):
    assert run(code, [ROOT, ROOT / "backend"], tmp_path) == "the same\n"
    assert run(code, [ROOT / "backend", ROOT], tmp_path) == "the same\n"


def test_from_the_project_as_a_package(tmp_path):
    code = "from backend.utils.error_handler import CircuitBreaker; print(CircuitBreaker().state)"
    assert run(code, [ROOT], tmp_path) == "closed\n"


def test_every_documented_name_is_there():
    documented = """
        CircuitBreaker retry_with_backoff RetryableOperation graceful_degradation error_aggregator
        ErrorAggregator safe_api_call with_fallback with_timeout build_error_response handle_api_error
        DashboardErrorHandler ErrorMetrics DashboardError AuthenticationError DatabaseError NetworkError
        ValidationError CircuitBreakerOpenError PartialDataError
    """
    assert set(documented.split()) <= set(error_handler.__all__)
    assert all(hasattr(error_handler, name) for name in error_handler.__all__)


def test_it_holds_no_code_of_its_own():
    for name in error_handler.__all__:
        own = getattr(error_handler, name)
        assert own is getattr(resilience, name, None) or own is getattr(errors, name, None), name
