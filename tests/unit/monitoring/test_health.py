"""Health says how the whole is, whatever the checks do."""

from backend import runtime
from backend.monitoring.health import Health
from backend.resilience.testing import FakeClock


def fine():
    return {"status": "healthy"}


def test_all_fine_is_healthy_and_every_check_has_a_response_time():
    report = Health({"database": fine, "cache": fine}, clock=FakeClock()).report()
    assert report["service"] == "dashboard"
    assert report["status"] == "healthy"
    assert all(check["response_time"] >= 0 for check in report["checks"].values())


def test_an_essential_check_decides_between_degraded_and_unhealthy():
    def broken():
        return {"status": "unhealthy"}

    assert Health({"database": fine, "llm": broken}).report()["status"] == "degraded"
    assert Health({"database": broken, "llm": fine}).report()["status"] == "unhealthy"


def test_what_is_not_configured_says_nothing_against_the_whole():
    checks = {"database": fine, "llm": lambda: {"status": "not_configured"}}
    assert Health(checks).report()["status"] == "healthy"


def test_a_check_that_raises_or_hangs_is_unhealthy_and_the_others_are_still_told():
    def raises():
        raise RuntimeError("boom")

    checks = {"database": fine, "a": raises, "b": lambda: runtime.sleep(60)}
    report = Health(checks, timeout=2).report()  # time enough for those that answer
    assert report["checks"]["a"]["status"] == "unhealthy"
    assert report["checks"]["b"]["status"] == "unhealthy"
    assert report["checks"]["database"]["status"] == "healthy"
    assert "boom" not in str(report)


def test_a_report_is_reused_for_its_time_and_then_made_anew():
    clock, runs = FakeClock(), []

    def check():
        runs.append(1)
        return fine()

    health = Health({"database": check}, ttl=5, clock=clock)
    health.report()
    health.report()
    assert health.last()["status"] == "healthy"
    assert len(runs) == 1
    clock.advance(5)
    health.report()
    assert len(runs) == 2


def test_those_who_ask_while_a_round_is_under_way_share_it():
    """With a database that hangs, twenty open pages must not cost twenty rounds of timeouts."""
    runs = []

    def slow():
        runs.append(1)
        runtime.sleep(0.01)
        return fine()

    health = Health({"database": slow}, clock=FakeClock())
    told = []
    tasks = [runtime.spawn(lambda: told.append(health.report()["status"])) for _ in range(20)]
    assert all(task.wait(10) for task in tasks)
    assert (told, runs) == (["healthy"] * 20, [1])
