"""The first change goes out at once, a burst goes out together."""

import pytest

from backend import runtime
from backend.realtime.coalesce import Coalesced
from tests.support.client import eventually


def test_touches_before_a_flush_are_one_call_with_all_keys():
    calls = []
    coalesced = Coalesced(calls.append)
    for key in ("a", "b", "a"):
        coalesced.touch(key)
    coalesced.flush()
    coalesced.flush()
    assert calls == [{"a", "b"}]


def test_a_failing_action_does_not_end_it(caplog):
    calls = []

    def action(keys):
        calls.append(keys)
        raise RuntimeError("no socket")

    coalesced = Coalesced(action)
    for _ in range(2):
        coalesced.touch()
        coalesced.flush()
    assert len(calls) == 2
    assert "A push failed" in caplog.text


@pytest.mark.parametrize("touches", [1, 50])
def test_run_serves_a_burst_with_few_calls(touches):
    calls = []
    coalesced = Coalesced(calls.append, interval=0.02)
    for _ in range(touches):  # a burst however late each of them is
        coalesced.touch()
    task = runtime.spawn(coalesced.run)
    eventually(lambda: calls)
    runtime.sleep(0.1)
    coalesced.stop()
    assert task.wait(5)
    assert 1 <= len(calls) <= 2
