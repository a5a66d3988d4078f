"""The documented import path for callers outside; rooms of this program import `backend.resilience` directly.

`import utils.error_handler`, with `backend/` on the path, gives the very modules of `backend.utils`: one breaker
registry, one aggregator, whichever name they are reached by.
"""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "utils":
    _root = str(Path(__file__).resolve().parents[2])
    if _root not in sys.path:
        sys.path.append(_root)  # last: nothing that the caller has under the same name is hidden
    sys.modules["utils.error_handler"] = import_module("backend.utils.error_handler")
    sys.modules["utils"] = import_module("backend.utils")
