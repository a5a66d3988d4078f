"""Loading the heavy client."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys, time
from backend import runtime
runtime.patch("eventlet")
from backend.llm.factory import make_provider
provider = make_provider("ollama", base_url="http://127.0.0.1:9/v1")
before = "openai" in sys.modules
turns = 0
def count():
    global turns
    while True:
        turns += 1
        runtime.sleep(0)
runtime.spawn(count)
{first}
provider.warm_up()
print(json.dumps({{"before": before, "after": "openai" in sys.modules, "turns": turns, **globals().get("more", {{}})}}))
"""

IMPATIENT = """
more = {}
def ask():
    try:
        list(provider.stream([{"role": "user", "content": "x"}]))
    except Exception as error:
        more["error"] = type(error).__name__
warm = runtime.spawn(provider.warm_up)
while "backend.llm.client" not in sys.modules:
    runtime.sleep(0)
more["loaded"] = hasattr(sys.modules["backend.llm.client"], "translate")
task = runtime.spawn(ask)
task.wait(20), warm.wait(20)
"""


def run(first=""):
    script = SCRIPT.format(first=first)
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_heavy_is_loaded_before_it_is_needed_and_others_run_while_it_is():
    told = run()
    assert not told["before"]
    assert told["after"]
    assert told["turns"] > 100


def test_who_asks_while_it_is_being_loaded_is_answered():
    told = run(IMPATIENT)
    assert not told["loaded"]
    assert told["error"] == "ProviderUnreachableError"
