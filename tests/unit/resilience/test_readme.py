"""The examples of the kit's README run, one after the other, and its tables say what the code says."""

import re
from pathlib import Path

from backend import resilience
from backend.resilience import CircuitBreaker, Policy

README = Path(resilience.__file__).with_name("README.md")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


def test_the_examples_run_in_their_order():
    assert len(BLOCKS) >= 6
    names = {}
    for number, block in enumerate(BLOCKS, 1):
        exec(compile(block, f"README example {number}", "exec"), names)  # noqa: S102 - our own examples


def test_every_setting_of_breaker_and_policy_is_told():
    text = README.read_text(encoding="utf-8")
    settings = {*Policy.__dataclass_fields__, *CircuitBreaker.__init__.__annotations__}
    settings -= {"return", "name", "feature", "clock", "random", "listeners"}
    assert [name for name in sorted(settings) if not re.search(rf"\b{name}\b", text)] == []


def test_every_event_is_told():
    text = README.read_text(encoding="utf-8")
    events = ["BreakerChanged", "FeatureChanged", "CallFinished", "RetryScheduled", "ErrorRecorded"]
    assert all(f"| {name} |" in text for name in events)
