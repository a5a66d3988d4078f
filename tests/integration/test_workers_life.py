"""Several workers behind one socket, as the person at the terminal sees them: starting, dying, ending."""

import os
import signal

import pytest

from tests.support.client import eventually
from tests.support.server import NOWHERE
from tests.support.workers import gone, pids, rest_on

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


@pytest.fixture
def fleet(serve, redis_server):
    """Start workers: `fleet(2)`."""

    def start(workers, environ=None):
        settings = {**NOWHERE, "REDIS_URL": redis_server.url, **(environ or {})}
        return serve(settings, args=("--workers", str(workers)))

    return start


def test_without_redis_it_says_what_to_set(serve):
    with pytest.raises(AssertionError, match="set REDIS_URL"):
        serve(NOWHERE, args=("--workers", "2"))


def test_one_line_tells_that_all_workers_are_ready_and_each_of_them_answers(fleet):
    jupiter = fleet(3)
    assert jupiter.stdout.count("Jupiter is ready") == 1
    assert "3 workers" in jupiter.stdout
    assert sorted(pids(jupiter)) == ["1", "2", "3"]
    for worker in "123":
        with rest_on(jupiter, worker) as rest:
            assert rest.get("/readyz").status == 200
    assert jupiter.noise() == []


def test_the_number_of_workers_is_a_setting_too(fleet):
    jupiter = fleet(2, {"JUPITER_WORKERS": "5"})
    assert sorted(pids(jupiter)) == ["1", "2"]  # the command line goes before it


def test_a_worker_that_is_killed_is_replaced_and_nobody_else_notices(fleet):
    jupiter = fleet(2)
    before = pids(jupiter)
    with rest_on(jupiter, "2") as other:
        os.kill(before["1"], signal.SIGKILL)
        assert other.get("/api/feature-status").status == 200
        now = eventually(lambda: (seen := pids(jupiter)).get("1", before["1"]) != before["1"] and seen, timeout=20)
        assert now["2"] == before["2"]
        with rest_on(jupiter, "1") as rest:
            assert rest.get("/api/feature-status").status == 200
        assert other.get("/api/feature-status").status == 200
    assert "was ended by signal 9; it is started again" in jupiter.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_parent_ends_all_of_them_in_time(fleet, number):
    jupiter = fleet(2)
    workers = pids(jupiter)
    jupiter.process.send_signal(number)
    assert jupiter.process.wait(10) == 0
    assert jupiter.leftover() == []
    for one in workers.values():
        gone(one)
    assert jupiter.output.count('"Stopped"') == 2
    assert jupiter.noise() == []


def test_a_service_manager_that_ends_every_process_by_itself_lets_them_finish(fleet):
    """systemd sends the signal to all of a unit, so a worker gets it twice: from there and from its parent."""
    jupiter = fleet(2)
    workers = pids(jupiter)
    with jupiter.events() as events:
        for number in workers.values():
            os.kill(number, signal.SIGTERM)
        eventually(lambda: jupiter.output.count("Stopping") == 2, timeout=5, interval=0.01)
        jupiter.process.send_signal(signal.SIGTERM)
        assert jupiter.process.wait(15) == 0
        assert "restarting" in events.wait_for("notice")["message"]
    assert jupiter.leftover() == []
    assert jupiter.output.count('"Stopped"') == 2
    assert "was ended by signal" not in jupiter.output


def test_a_parent_that_is_killed_leaves_no_orphans(fleet):
    jupiter = fleet(2)
    workers = pids(jupiter)
    os.kill(jupiter.process.pid, signal.SIGKILL)
    for one in workers.values():
        gone(one)


def test_a_hangup_replaces_the_workers_one_after_the_other_while_requests_go_on(fleet):
    jupiter = fleet(2)
    before = pids(jupiter)
    jupiter.process.send_signal(signal.SIGHUP)
    statuses = []

    def all_new():
        with jupiter.rest() as rest:
            statuses.append(rest.get("/livez").status)
        now = pids(jupiter)
        return len(now) == 2 and not set(now.values()) & set(before.values()) and len(jupiter.leftover()) == 3

    eventually(all_new, timeout=60, interval=0.1)
    assert set(statuses) == {200}
    assert "it is started again" not in jupiter.output


def test_several_workers_take_websockets_only_and_the_page_is_told(fleet):
    jupiter = fleet(2)
    with jupiter.rest() as rest:
        assert '<meta name="jupiter-transports" content="websocket">' in rest.get("/").body
        assert rest.get("/socket.io/?EIO=4&transport=polling").status == 400
    with jupiter.events() as events:
        assert events.call("request_status", {})["ok"] is True
