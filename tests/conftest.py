"""Patched before anything else is imported, as in run.py."""

import os

from backend import runtime

runtime.patch(os.environ.get("JUPITER_TEST_ASYNC_MODE", "eventlet"))
