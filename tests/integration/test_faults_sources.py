"""Each source of threats and of pulse in turn, with each fault: the rest goes on as before, and it heals by itself.

One server for each fault; over real sockets, against a subprocess.
"""

import pytest

from tests.support.faults import CASES, QUICK, World, tell_the_story
from tests.support.server import Jupiter

pytestmark = pytest.mark.data
FAULTS = ("hang", "refuse", "500", "html", "truncated", "garbage")
# That both kinds of news fail together matters for the feature's switch, not for each fault again.
STORIES = [(fault, name) for fault in FAULTS for name in CASES if name != "pulse" or fault in ("500", "hang")]


@pytest.fixture(scope="module")
def world(request, upstreams, tmp_path_factory):
    upstreams.heal()
    with Jupiter(tmp_path_factory.mktemp(f"fault-{request.param}"), {**upstreams.environ(), **QUICK}) as jupiter:
        made = World(upstreams, jupiter)
        made.wait_until_well()
        yield made
        assert jupiter.stop() == 0
        assert "Traceback" not in jupiter.output


@pytest.mark.parametrize(("world", "name"), STORIES, indirect=["world"])
def test_a_failing_source_is_shown_guarded_against_and_heals(world, name, request):
    fault = request.node.callspec.params["world"]
    tell_the_story(world, CASES[name], fault)
