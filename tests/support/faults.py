"""What must hold while an upstream fails: the same story for every upstream and every fault."""

import time
from dataclasses import dataclass
from typing import Any

from tests.support.client import Events, Rest, eventually
from tests.support.contracts import routes
from tests.support.server import Jupiter
from tests.support.upstream import GOOD_FEEDS, Upstreams

OPEN_SECONDS = 1.5
THRESHOLD = 5
PROMPT = 2.0
"""No page, route or event may take longer than this while an upstream fails (seconds)."""
AT_ONCE = 0.9
ENOUGH = 60.0
"""Until a slow machine must have managed to look at a break before it ends (seconds)."""
NOT_CLOSED = {"open", "half_open"}  # several breakers are probed each in its own time
QUICK = {
    "JUPITER_CALL_TIMEOUT_SECONDS": "1",
    "JUPITER_CALL_ATTEMPTS": "1",
    "JUPITER_BREAKER_OPEN_SECONDS": str(OPEN_SECONDS),
    "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "1",
    "JUPITER_SOURCE_EPSS_REFRESH_SECONDS": "2",
    "JUPITER_SOURCE_NVD_REFRESH_SECONDS": "1",
    "JUPITER_SOURCE_GHSA_REFRESH_SECONDS": "1",
    "JUPITER_SOURCE_MISP_REFRESH_SECONDS": "1",
    "JUPITER_SOURCE_HACKER_NEWS_REFRESH_SECONDS": "1",
    "JUPITER_PULSE_REFRESH_SECONDS": "1",
    "JUPITER_RATE_LIMIT": "100000/second",
    "JUPITER_EVENT_RATE_LIMIT": "100000/second",
    "JUPITER_LOG_FORMAT": "json",
}
PAGES = ("/", "/admin", "/status", "/status.json", "/login", "/livez", "/readyz", "/metrics")
FEEDS = tuple(f"feed:127.0.0.1/rss/{name}" for name in GOOD_FEEDS)


@dataclass(frozen=True)
class Case:
    """Upstreams that fail together, and what rests on them.

    Args:
        upstreams: by name of the recorded upstreams.
        dependencies: their names in the server's breakers.
        feature: what they serve.
        panel: where it is shown.
        disables: whether the feature cannot do without them.
        slack: requests beyond one per failure, of a round that was under way when the fault began.
    """

    upstreams: tuple[str, ...]
    dependencies: tuple[str, ...]
    feature: str
    panel: str
    disables: bool
    slack: int = 1


CASES = {
    "kev": Case(("kev",), ("cisa_kev",), "threat_intelligence", "threats", False),
    "nvd": Case(("nvd",), ("nvd",), "threat_intelligence", "threats", False, slack=2),
    "ghsa": Case(("ghsa",), ("ghsa",), "threat_intelligence", "threats", False),
    "misp": Case(("misp",), ("misp",), "threat_intelligence", "threats", False, slack=4),
    "catalogues": Case(
        ("kev", "nvd", "ghsa"), ("cisa_kev", "nvd", "ghsa"), "threat_intelligence", "threats", True, slack=6
    ),
    "epss": Case(("epss",), ("epss",), "threat_intelligence", "threats", False, slack=20),
    "feeds": Case(("feeds",), FEEDS, "community_pulse", "pulse", False, slack=len(FEEDS)),
    "hn": Case(("hn",), ("hacker_news",), "community_pulse", "pulse", False),
    "pulse": Case(("feeds", "hn"), (*FEEDS, "hacker_news"), "community_pulse", "pulse", True, slack=6),
}

ASKED = {"cisa_kev": "kev", "hacker_news": "hn"}  # where a dependency's name is not its upstream's

# What a route has to be asked, where it cannot be asked for nothing.
NEEDED = {"/api/pulse/items": "?topic=SharePoint&kind=product"}


class World:
    """A server on recorded upstreams, with one REST client and one socket."""

    def __init__(self, upstreams: Upstreams, jupiter: Jupiter) -> None:
        self.upstreams = upstreams
        self.jupiter = jupiter
        self.rest: Rest = jupiter.rest()
        self.events: Events = jupiter.events()
        document = self.rest.get("/api/openapi.json").body
        self.paths = [
            r.path + NEEDED.get(r.path, "") for r in routes(document) if r.method == "GET" and not r.variables
        ]
        self._asked = 0

    def panel(self, name: str) -> dict[str, Any]:
        """Return a panel's payload over REST."""
        answer = self.rest.get(f"/api/{name}")
        assert (answer.status, answer.seconds < PROMPT) == (200, True), (name, answer)
        return dict(answer.body)

    def ledger(self, panel: str) -> dict[str, dict[str, Any]]:
        """Return a panel's sources by name."""
        few = {"limit": "1"} if panel == "threats" else {}
        answer = self.rest.get(f"/api/{panel}", params=few)
        assert answer.seconds < PROMPT, answer.seconds
        return {source["name"]: source for source in answer.body["sources"]}

    def feature(self, name: str) -> dict[str, Any]:
        """Return one feature's state."""
        return dict(self.rest.get("/api/feature-status").body[name])

    def requests(self, names: tuple[str, ...]) -> int:
        """Return how many requests have reached upstreams."""
        return sum(self.upstreams.requests(name) for name in names)

    def errors(self) -> int:
        """Return how many errors the server has counted."""
        return int(self.rest.get("/api/error-stats").body["total_errors"])

    def wait_until_well(self, timeout: float = 20.0) -> None:
        """Wait until every source is live and every feature on."""
        self.upstreams.heal()

        def well() -> bool:
            for panel in ("threats", "pulse"):
                states = {name: source["status"] for name, source in self.ledger(panel).items()}
                assert set(states.values()) == {"live"}, states
            features = self.rest.get("/api/feature-status").body
            off = {name: state for name, state in features.items() if not state["enabled"]}
            assert off == {}
            return True

        eventually(well, timeout=timeout)

    def ask(self, question: str, timeout: float = 20.0) -> tuple[str, dict[str, Any]]:
        """Ask the chat; return the name and the payload of the event that ends the answer."""
        self._asked += 1
        since = self.events.mark()
        ack = self.events.call(
            "chat_message", {"message": question, "client_message_id": f"q-{id(self)}-{self._asked}"}
        )
        assert ack["ok"] is True, ack
        mine = ack["data"]["message_id"]

        def ended() -> tuple[str, dict[str, Any]] | None:
            for name in ("chat_response", "chat_error"):
                for data in self.events.named(name, since):
                    if data["message_id"] == mine:
                        return name, data
            return None

        found: tuple[str, dict[str, Any]] = eventually(ended, timeout=timeout, interval=0.02)
        return found

    def everything_answers(self, *, but: str = "") -> None:
        """Ask for every page, route and panel; `but` names the feature that may show its failure."""
        for path in (*PAGES, *self.paths):
            answer = self.rest.get(path)
            assert answer.status == 200, (path, answer)
            assert answer.seconds < PROMPT, (path, answer.seconds)
        self.panels_answer(but)
        if but != "grok_chat":
            name, data = self.ask("Say hello")
            assert (name, data["degraded"], data["response"]) == ("chat_response", False, "Hello"), data
        made = self.rest.post("/api/experiments", json={"name": "during a fault", "experiment_type": "security_scan"})
        assert made.status == 201, made

    def panels_answer(self, but: str) -> None:
        """Ask for every panel over the socket; those that rest on well upstreams answer with live data."""
        since = self.events.mark()
        began = time.monotonic()
        for noun in ("threats", "pulse", "summary", "status"):
            assert self.events.call(f"request_{noun}")["ok"] is True
        for noun, feature in (("threats", "threat_intelligence"), ("pulse", "community_pulse")):
            answer = self.events.wait_for(f"{noun}_update", lambda data: data.get("request"), since=since, timeout=3)
            if feature != but:
                assert answer["stale"] is False, answer["sources"]
                assert {source["status"] for source in answer["sources"]} == {"live"}, answer["sources"]
        self.events.wait_for("summary_update", lambda data: data.get("request"), since=since, timeout=3)
        self.events.wait_for("status_update", lambda data: data.get("request"), since=since, timeout=3)
        assert time.monotonic() - began < PROMPT


def breakers(data: dict[str, Any], case: Case) -> set[str]:
    """Return the states of a case's breakers in a payload of status_update."""
    dependencies = data["features"][case.feature]["dependencies"]
    return {dependencies[name]["circuit_breaker"] for name in case.dependencies}


def tell_the_story(world: World, case: Case, fault: str) -> None:
    """Break upstreams, look at everything, heal them."""
    world.wait_until_well()
    errors, since = world.errors(), world.events.mark()
    before = world.panel(case.panel)
    world.upstreams.set(**dict.fromkeys(case.upstreams, fault))

    _ask_until_open(world, case)
    world.events.wait_for("status_update", lambda data: breakers(data, case) <= NOT_CLOSED, since=since, timeout=2)
    _opened_after_five_failures(world, case)
    _rejected_at_once(world, case)
    _stale_with_its_age(world, case, before)
    assert world.errors() >= errors + THRESHOLD * len(case.dependencies)
    _feature_state(world, case, enabled=not case.disables)
    world.everything_answers(but=case.feature)
    _tried_again_by_itself(world, case)
    if fault == "hang":  # only there does a probe last long enough to be seen
        world.events.wait_for("status_update", lambda data: "half_open" in breakers(data, case), since=since)

    since = world.events.mark()
    world.upstreams.set(**dict.fromkeys(case.upstreams, "ok"))
    world.events.wait_for(
        "status_update", lambda data: breakers(data, case) == {"closed"}, since=since, timeout=3 * OPEN_SECONDS + 5
    )
    world.wait_until_well()
    _feature_state(world, case, enabled=True)
    assert world.panel(case.panel)["stale"] is False


def _ask_until_open(world: World, case: Case) -> None:
    """Ask again and again, as an impatient reader does; each answer comes in time."""

    def is_open() -> bool:
        answer = world.rest.get(f"/api/{case.panel}?force_refresh=1")
        assert answer.status == 200, answer
        assert answer.seconds < PROMPT, answer.seconds
        states = world.feature(case.feature)["dependencies"]
        return {states[name]["circuit_breaker"] for name in case.dependencies} <= NOT_CLOSED

    eventually(is_open, timeout=THRESHOLD * PROMPT + 5, interval=0.02)


def _opened_after_five_failures(world: World, case: Case) -> None:
    if "refuse" not in {world.upstreams.fault(name) for name in case.upstreams}:  # nothing arrives there
        made = sum(_until_the_break(world, name, case.slack) for name in case.dependencies)
        assert made <= THRESHOLD * len(case.dependencies) + case.slack, made
    dependencies = world.feature(case.feature)["dependencies"]
    assert all(dependencies[name]["failures"] >= THRESHOLD for name in case.dependencies), dependencies


def _until_the_break(world: World, dependency: str, slack: int) -> int:
    """Return how many requests for a dependency came before its breaker kept them back, for as long as it says."""
    feed = dependency.partition("/")[2]

    def asked() -> list[float]:
        name = "feeds" if feed else ASKED.get(dependency, dependency)
        times = [at for at, path in world.upstreams.under_fault(name) if not feed or path == f"/{feed}"]
        assert len(times) >= THRESHOLD, (dependency, times)  # the last may be noted after its caller has given it up
        return times

    times: list[float] = eventually(asked)
    for made in range(THRESHOLD, THRESHOLD + slack + 1):
        if made >= len(times) or times[made] - times[made - 1] > 0.9 * OPEN_SECONDS:
            return made
    raise AssertionError((dependency, [round(at - times[0], 3) for at in times]))


def _rejected_at_once(world: World, case: Case) -> None:
    """While open, even a forced refresh reaches nobody."""
    if len(case.dependencies) > 1:
        return  # their breaks do not begin together, so there may be no moment without a probe
    ends = time.monotonic() + ENOUGH
    while True:
        began = _open_for_at_least(world, case, OPEN_SECONDS / 2)
        asked = world.requests(case.upstreams)
        answer = world.rest.get(f"/api/{case.panel}?force_refresh=1")
        assert answer.status == 200
        assert answer.seconds < PROMPT, answer.seconds  # the panel's other sources are asked meanwhile
        if world.requests(case.upstreams) == asked:
            return
        now = time.monotonic()  # the break may have ended meanwhile, with a probe
        assert began + OPEN_SECONDS / 2 < now < ends, now - began


def _stale_with_its_age(world: World, case: Case, before: dict[str, Any]) -> None:
    payload, ledger = world.panel(case.panel), world.ledger(case.panel)
    for name in case.dependencies:
        source = ledger[name]
        assert source["status"] == "stale", source
        assert source["as_of"], source
        assert source["records"] > 0, source
        assert source["error"], source
        assert source["suggestion"], source
        assert source["next_try"], source
    for name in set(ledger) - set(case.dependencies):
        assert ledger[name]["status"] == "live", ledger[name]
    kept = "threats" if case.panel == "threats" else "topics"
    assert len(payload[kept]) == len(before[kept]) > 0
    if case.disables:
        assert payload["stale"] is True, payload["sources"]


def _feature_state(world: World, case: Case, *, enabled: bool) -> None:
    def reached() -> dict[str, Any]:  # while one of several dependencies is being tried, it speaks for the feature
        found = world.feature(case.feature)
        assert found["enabled"] is enabled, found
        return found

    state = eventually(reached, timeout=PROMPT)
    if enabled:
        assert state["circuit_breaker"] == "closed", state
    else:
        assert state["circuit_breaker"] in NOT_CLOSED, state
        assert state["reason"], state


def _tried_again_by_itself(world: World, case: Case) -> None:
    """After its timeout a breaker lets one probe through, which fails, and is open again."""
    asked = world.requests(case.upstreams)
    refused = "refuse" in {world.upstreams.fault(name) for name in case.upstreams}
    if not refused:
        eventually(lambda: world.requests(case.upstreams) > asked, timeout=2 * OPEN_SECONDS + 3)
    _open_for_at_least(world, case, OPEN_SECONDS / 2)


def _open_for_at_least(world: World, case: Case, seconds: float) -> float:
    """Wait until all breakers are open, the last one for more than `seconds`; return the time when that was asked."""

    def still_open() -> float | None:
        asked_at, dependencies = time.monotonic(), world.feature(case.feature)["dependencies"]
        waits = [dependencies[name]["retry_after"] or 0 for name in case.dependencies]
        return asked_at if all(wait > 0 for wait in waits) and max(waits) > seconds else None

    return float(eventually(still_open, timeout=2 * OPEN_SECONDS + 3))
