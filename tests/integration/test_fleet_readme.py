"""The examples of the fleet's README run, one after the other, and its tables say what the code says."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from backend.resilience import fleet
from backend.resilience.fleet import Timing

README = Path(fleet.__file__).with_name("README.md")
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)


@pytest.mark.redis
def test_the_examples_run_in_their_order(redis_server):
    assert len(BLOCKS) >= 3
    names = {}
    for number, block in enumerate(BLOCKS, 1):
        code = block.replace("redis://127.0.0.1:6379/0", redis_server.url)
        exec(compile(code, f"README example {number}", "exec"), names)  # noqa: S102 - our own examples


def test_every_timing_is_told_with_its_default():
    told = dict(re.findall(r"^\| (\w+) \| ([\d.]+) \|", TEXT, re.M))
    assert {name: float(value) for name, value in told.items()} == {
        field.name: field.default for field in fields(Timing)
    }


def test_every_operation_of_the_scripts_is_told():
    script = README.with_name("lua").joinpath("breaker.lua").read_text(encoding="utf-8")
    operations = re.findall(r"^function operations\.(\w+)", script, re.M)
    assert len(operations) == 5
    assert [name for name in operations if f"| `{name}` |" not in TEXT] == []
