"""The server in each async mode: pages, REST, sockets and the way out work alike."""

import os
import resource
import signal
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.client import eventually
from tests.support.held import held_source, stop_while_asked
from tests.support.server import NOWHERE

MODES = ("eventlet", "gevent", "threading")


@pytest.fixture(params=MODES)
def jupiter(request, serve):
    if request.param == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed; `make test` installs it")
    return serve({**NOWHERE, "JUPITER_ASYNC_MODE": request.param})


def test_pages_routes_and_events_answer_and_the_end_is_clean(jupiter):
    with jupiter.rest() as rest:
        for path in ("/", "/admin", "/status", "/livez", "/readyz", "/api/feature-status", "/api/dashboard/summary"):
            answer = rest.get(path)
            assert (answer.status, answer.seconds < 2) == (200, True), path
        made = rest.post("/api/experiments", json={"name": "one", "experiment_type": "security_scan"})
        assert made.status == 201
        assert rest.get("/api/dashboard/summary?force_refresh=1").body["total_experiments"] == 1
    with jupiter.events() as events:
        assert events.call("request_status")["ok"] is True
        status = events.wait_for("status_update", lambda data: data.get("request"))
        assert set(status["features"]) >= {"grok_chat", "threat_intelligence", "community_pulse"}
        ack = events.call("chat_message", {"message": "What do you know?", "client_message_id": "m-1"})
        assert ack["ok"] is True
        answered = events.wait_for("chat_response", lambda data: data["message_id"] == ack["data"]["message_id"])
        assert answered["response"]
        assert jupiter.stop() == 0
    assert jupiter.leftover() == []
    assert [line for line in jupiter.noise() if "127.0.0.1:1" not in line] == []


def test_many_sockets_at_once_each_get_their_own_answer(jupiter):
    clients = [jupiter.events() for _ in range(12)]
    for client in clients:
        assert client.call("request_status")["ok"] is True
    for client in clients:
        client.wait_for("status_update", lambda data: data.get("request"))
    # all at once: simple-websocket leaves the closing handshake of some unanswered, which the client waits 3 s for
    ends = [threading.Thread(target=client.__exit__) for client in clients]
    for end in ends:
        end.start()
    for end in ends:
        end.join(10)
    with jupiter.events() as another:
        assert another.call("request_status")["ok"] is True


@pytest.mark.parametrize("mode", MODES)
def test_what_is_under_way_when_the_end_is_asked_for_is_answered(serve, mode):
    if mode == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed; `make test` installs it")

    with held_source() as source:
        jupiter = serve({**NOWHERE, **source.environ(), "JUPITER_ASYNC_MODE": mode})
        ended, statuses, late = stop_while_asked(jupiter, source)
    assert ended == 0
    assert set(statuses) == {200}
    assert late, "it was under way"


def test_a_server_that_ran_out_of_files_takes_connections_again_when_there_is_room(jupiter):
    number, address = jupiter.process.pid, ("127.0.0.1", int(jupiter.url.rsplit(":", 1)[1]))
    _, hard = resource.prlimit(number, resource.RLIMIT_NOFILE)
    room = len(os.listdir(f"/proc/{number}/fd")) + 20
    resource.prlimit(number, resource.RLIMIT_NOFILE, (room, hard))
    with ExitStack() as crowd:
        for _ in range(60):
            crowd.enter_context(socket.create_connection(address, timeout=5))
        time.sleep(0.5)

    def answers():
        with jupiter.rest() as rest:
            return rest.get("/livez").status == 200

    eventually(answers, timeout=15)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupt_and_a_closed_terminal_end_it_like_a_termination(serve, number):
    jupiter = serve(NOWHERE)
    assert jupiter.process is not None
    os.kill(jupiter.process.pid, number)
    assert jupiter.process.wait(10) == 0
    eventually(lambda: not jupiter.leftover(), timeout=2)
    assert jupiter.output.count("Stopped") == 1


def test_who_was_told_to_outlive_its_terminal_does(serve):
    jupiter = serve(NOWHERE, prefix=("nohup",))
    status = Path(f"/proc/{jupiter.process.pid}/status").read_text()
    (ignored,) = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:")]
    assert ignored & 1 << (signal.SIGHUP - 1), "it is not merely late to end"
    os.kill(jupiter.process.pid, signal.SIGHUP)
    with jupiter.rest() as rest:
        assert rest.get("/livez").status == 200
    assert jupiter.stop() == 0
