"""Starting, refusing to start, and stopping, as the person at the terminal sees it."""

import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.support.client import Events
from tests.support.held import held_source, stop_while_asked
from tests.support.llm_server import head, said, serving
from tests.support.requirements import ROOT
from tests.support.server import NOWHERE


def run(folder, environ, *args):
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *args],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "JUPITER_DATA_DIR": str(folder / "var"), **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"JUPITER_PORT": "many"}, "JUPITER_PORT"),
        ({"JUPITER_ASYNC_MODE": "asyncio"}, "JUPITER_ASYNC_MODE"),
        ({"JUPITER_SOURCES": "cisa_kev nonsense"}, "nonsense"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line_that_names_it(tmp_path, environ, said):
    done = run(tmp_path, environ)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_with_what_to_do(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, {"JUPITER_PORT": str(taken.getsockname()[1])})
    assert done.returncode == 2
    assert "JUPITER_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_does_not_exist_is_told(tmp_path):
    done = run(tmp_path, {"JUPITER_PROT": "1"}, "token", "--user", "ann")
    assert done.returncode == 0
    assert "did you mean JUPITER_PORT" in done.stderr


def test_the_printed_link_signs_the_administrator_in(serve):
    jupiter = serve(NOWHERE)
    with httpx.Client(trust_env=False) as browser:
        answer = browser.get(jupiter.link)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        assert browser.get(f"{jupiter.url}/api/feature-status").status_code == 200


def test_clients_are_told_and_what_is_under_way_is_finished_before_the_end(serve):
    with held_source() as source:
        jupiter = serve({**NOWHERE, **source.environ()})
        ended, statuses, late = stop_while_asked(jupiter, source)
    assert ended == 0
    assert set(statuses) == {200}
    assert late, "it was under way"
    assert jupiter.noise() == []


def test_an_answer_under_way_is_finished_before_the_end(serve):
    stopping = threading.Event()

    def script(connection):  # the rest comes when the server has been told to end
        connection.sendall(head() + said("Half of "))
        stopping.wait(20)
        time.sleep(0.5)
        connection.sendall(said("it.", "stop") + b"data: [DONE]\n\n")

    with serving(script) as model:
        llm = {"JUPITER_LLM_PROVIDER": "compatible", "JUPITER_LLM_BASE_URL": model.url, "JUPITER_LLM_MODEL": "m"}
        jupiter = serve({**NOWHERE, **llm})
        with jupiter.events() as events:
            events.call("chat_message", {"message": "Say it.", "client_message_id": "m-1"})
            events.wait_for("chat_delta")
            told = threading.Thread(target=lambda: (events.wait_for("notice"), stopping.set()))
            told.start()
            assert jupiter.stop() == 0
            told.join(10)
            assert events.wait_for("chat_response")["response"] == "Half of it."
    assert jupiter.noise() == []


def test_what_was_accepted_is_there_after_a_restart(serve, tmp_path):
    data = {"JUPITER_DATA_DIR": str(tmp_path / "kept")}
    first = serve({**NOWHERE, **data})
    with first.rest() as rest:
        made = rest.post("/api/experiments", json={"name": "Kept", "experiment_type": "benchmark"}).body
    with first.events() as events:
        asked = events.call("chat_message", {"message": "What is new?", "client_message_id": "m-1"})["data"]
        events.wait_for("chat_response")
    first.kill()  # no goodbye
    second = serve({**NOWHERE, **data})
    with second.rest() as rest, second.events() as events:
        assert rest.get(f"/api/experiments/{made['id']}").body["name"] == "Kept"
        told = events.call("chat_history", {"conversation_id": asked["conversation_id"]})["data"]["messages"]
        assert [message["role"] for message in told] == ["user", "assistant"]
        again = events.call("chat_message", {"message": "What is new?", "client_message_id": "m-1"})["data"]
        assert again["message_id"] == asked["message_id"]


def test_over_a_reconnect_no_event_is_lost_or_doubled(serve):
    jupiter = serve(NOWHERE)
    with jupiter.events() as first:
        begin = first.call("sync", {"notice": 0})["data"]["streams"]["notice"]
        assert begin["gap"] is True
    with jupiter.rest() as rest:  # while the client is away
        for step in ("disable", "enable"):
            body = {"json": {"reason": "drill"}} if step == "disable" else {}
            assert rest.post(f"/api/features/chat/{step}", **body).status == 200
    with Events().connect(jupiter.url, jupiter.token) as second:
        missed = second.call("sync", {"notice": begin["seq"]})["data"]["streams"]["notice"]["events"]
        texts = [event["payload"]["message"] for event in missed]
        assert [("switched off" in text, "works again" in text) for text in texts] == [(True, False), (False, True)]
        seqs = [event["payload"]["seq"] for event in missed]
        assert seqs == [begin["seq"] + 1, begin["seq"] + 2]
        assert second.call("sync", {"notice": seqs[-1]})["data"]["streams"]["notice"] == {"events": []}
        assert second.call("sync", {"notice": seqs[-1] + 99})["data"]["streams"]["notice"]["gap"] is True


def test_a_change_of_a_feature_is_pushed_at_once(serve):
    jupiter = serve(NOWHERE)
    with jupiter.events() as events, jupiter.rest() as rest:
        mark = events.mark()
        rest.post("/api/features/pulse/disable", json={"reason": "drill"})
        pushed = events.wait_for(
            "status_update", lambda told: not told["features"]["community_pulse"]["enabled"], since=mark, timeout=2
        )
        assert pushed["stream"] == "status"
        assert pushed["seq"] > 0
        assert "request" not in pushed


def test_signing_out_closes_the_sockets_of_that_session(serve):
    jupiter = serve(NOWHERE)
    with httpx.Client(trust_env=False) as browser:
        browser.get(jupiter.link)
        cookie = f"jupiter_session={browser.cookies['jupiter_session']}"
        page = browser.get(jupiter.url + "/").text
        csrf = page.split('name="csrf-token" content="')[1].split('"')[0]
        events = Events()
        events._client.connect(jupiter.url, headers={"Cookie": cookie}, transports=["websocket"])
        assert events.call("request_status", {})["ok"] is True
        assert browser.post(jupiter.url + "/logout", headers={"X-CSRF-Token": csrf}).status_code == 303
        events.wait_for("disconnect", timeout=5)
