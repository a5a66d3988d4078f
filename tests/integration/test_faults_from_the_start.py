"""All upstreams failing alike from the very start: ready all the same, and every panel says what is wrong."""

import pytest

from tests.support.client import eventually
from tests.support.faults import PAGES, PROMPT, QUICK, World
from tests.support.upstream import FAULTS, NAMES

pytestmark = pytest.mark.data


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_shown_as_live_and_every_panel_has_an_error_with_a_suggestion(upstreams, serve, fault):
    upstreams.set(**dict.fromkeys(NAMES, fault))
    jupiter = serve({**upstreams.environ(), **QUICK})
    world = World(upstreams, jupiter)

    def settled():
        lines = [source for panel in ("threats", "pulse") for source in world.ledger(panel).values()]
        assert {line["status"] for line in lines} == {"error"}, lines
        return lines

    for line in eventually(settled, timeout=10):
        assert (line["as_of"], line["records"]) == (None, 0), line
        assert line["error"], line
        assert line["suggestion"], line
    for path in PAGES:
        answer = world.rest.get(path)
        assert (answer.status, answer.seconds < PROMPT) == (200, True), path

    since = world.events.mark()
    for noun in ("threats", "pulse"):
        world.events.call(f"request_{noun}")
        told = world.events.wait_for(f"{noun}_error", lambda data: data.get("request"), since=since)
        assert told["error"]
        assert told["suggestion"]
    assert world.rest.get("/api/dashboard/health").body["status"] == "degraded"
    assert world.rest.get("/api/dashboard/summary").body["partial_failure"] is False

    upstreams.heal()
    world.wait_until_well()
    assert len(world.panel("threats")["threats"]) > 0
    assert len(world.panel("pulse")["topics"]) > 0
