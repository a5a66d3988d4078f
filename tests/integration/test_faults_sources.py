"""Each source of threats and of pulse in turn, with each fault: the rest goes on as before, and it heals by itself.

One server for each fault; over real sockets, against a subprocess. Most of the time is waiting for breaks to end, so
several faults have their turn beside each other; a test looks at how one story ended.
"""

from collections import defaultdict

import pytest

from backend import runtime
from tests.support.faults import CASES, QUICK, World, tell_the_story
from tests.support.server import Jupiter
from tests.support.upstream import Upstreams

pytestmark = [pytest.mark.data, pytest.mark.timeout(600)]
FAULTS = ("hang", "refuse", "500", "html", "truncated", "garbage")
# What fails together matters for the feature's switch, and one fetcher, guard and keeper serve every source: these are
# not told for each fault again (tests/integration/test_lying_sources.py tells every lie to every source).
TWICE = ("pulse", "catalogues", "nvd", "ghsa", "misp")
STORIES = [(fault, name) for fault in FAULTS for name in CASES if name not in TWICE or fault in ("500", "hang")]
AT_ONCE = 3
PATIENT = {"JUPITER_CALL_TIMEOUT_SECONDS": "10"}  # for upstreams that are well, on a machine that is held up


@pytest.fixture(scope="module")
def ends(request, tmp_path_factory):
    """How each selected story ended, by fault and case: its exception, or None where all was as it should be."""
    wanted = defaultdict(list)
    for item in request.session.items:
        if item.path == request.path:
            wanted[item.callspec.params["fault"]].append(item.callspec.params["name"])
    left, found = sorted(wanted, key=FAULTS.index), {}

    def work():
        while left:
            fault = left.pop(0)
            found.update(_stories(fault, wanted[fault], tmp_path_factory.mktemp(f"fault-{fault}")))

    for task in [runtime.spawn(work) for _ in range(AT_ONCE)]:
        task.wait(500)
    return found


def _stories(fault, names, folder):
    """Tell the stories of one fault, one after another, and return how each ended."""
    upstreams, found = Upstreams(), {}
    try:
        with Jupiter(folder, {**upstreams.environ(), **QUICK, **(PATIENT if fault != "hang" else {})}) as jupiter:
            world = World(upstreams, jupiter)
            for name in names:
                found[fault, name] = _end(world, CASES[name], fault)
            assert jupiter.stop() == 0
            assert "Traceback" not in jupiter.output
    except Exception as problem:  # noqa: BLE001 - a server that does not start fails the stories that need it
        found = {(fault, name): found.get((fault, name)) or problem for name in names}
    finally:
        upstreams.stop()
    return found


def _end(world, case, fault):
    try:
        tell_the_story(world, case, fault)
    except Exception as problem:  # noqa: BLE001 - raised again in the test that is about this story
        return problem
    return None


@pytest.mark.parametrize(("fault", "name"), STORIES)
def test_a_failing_source_is_shown_guarded_against_and_heals(ends, fault, name):
    assert (fault, name) in ends, "the story was not told to its end in time"
    if ends[fault, name] is not None:
        raise ends[fault, name]
