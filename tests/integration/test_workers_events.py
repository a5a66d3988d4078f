"""Two workers, one dashboard: what is pushed reaches every tab once and in order, whichever worker it hangs on."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest

from backend import runtime
from tests.support.client import Events, eventually
from tests.support.llm_server import head, said, serving
from tests.support.server import NOWHERE
from tests.support.workers import events_on, pids, rest_on

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
PIECES = [f"{number} " for number in range(40)]


def slowly(pause):
    """A model that says forty words, one after the other."""

    def script(connection):
        connection.sendall(head())
        for at, piece in enumerate(PIECES):
            connection.sendall(said(piece, "stop" if at == len(PIECES) - 1 else None))
            runtime.sleep(pause)
        connection.sendall(b"data: [DONE]\n\n")

    return script


@contextmanager
def model(script):
    with serving(script) as server:
        yield {
            "JUPITER_LLM_PROVIDER": "compatible",
            "JUPITER_LLM_BASE_URL": server.url,
            "JUPITER_LLM_MODEL": "m",
            "JUPITER_LLM_API_KEY": "test-key-that-opens-nothing",
        }


@contextmanager
def model_that_waits(words):
    """A model that says so many words at once, and then nothing more."""
    over = threading.Event()

    def script(connection):
        connection.sendall(head() + b"".join(said(piece) for piece in PIECES[:words]))
        over.wait(60)

    with model(script) as environ:
        try:
            yield environ
        finally:
            over.set()


@pytest.fixture
def fleet(serve, redis_server):
    def start(workers=2, environ=None):
        settings = {**NOWHERE, "REDIS_URL": redis_server.url, **(environ or {})}
        return serve(settings, args=("--workers", str(workers)))

    return start


def chat_of(events):
    return [(event.name, event.data) for event in list(events.received) if event.name.startswith("chat_")]


def test_two_tabs_on_two_workers_get_the_same_numbered_stream(fleet):
    with model(slowly(0.01)) as environ:
        jupiter = fleet(environ=environ)
        with events_on(jupiter, "1") as here, events_on(jupiter, "2") as there:
            here.call("chat_message", {"message": "Count.", "client_message_id": "m-1"})
            for tab in (here, there):
                assert tab.wait_for("chat_response", timeout=30)["response"].split() == "".join(PIECES).split()
            stream = [(name, data["seq"], data.get("delta")) for name, data in chat_of(here)]
            assert stream == [(name, data["seq"], data.get("delta")) for name, data in chat_of(there)]
            numbers = [number for _, number, _ in stream]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert "".join(delta or "" for _, _, delta in stream) == "".join(PIECES)


def test_an_answer_is_stopped_from_a_tab_on_another_worker(fleet):
    with model_that_waits(1) as environ:
        jupiter = fleet(environ=environ)
        with events_on(jupiter, "1") as here, events_on(jupiter, "2") as there:
            ids = here.call("chat_message", {"message": "Count.", "client_message_id": "m-1"})["data"]
            there.wait_for("chat_delta")
            assert there.call("chat_stop", {"message_id": ids["message_id"]})["ok"] is True
            for tab in (here, there):
                assert tab.wait_for("chat_response")["stopped"] is True


def test_a_page_opened_on_another_worker_shows_what_the_answer_says_so_far(fleet):
    with model_that_waits(10) as environ:
        jupiter = fleet(environ=environ)
        with events_on(jupiter, "1") as here, events_on(jupiter, "2") as there:
            ids = here.call("chat_message", {"message": "Count.", "client_message_id": "m-1"})["data"]
            said = there.wait_for("chat_delta", lambda told: told["index"] == 7)["index"]
            asked = {"conversation_id": ids["conversation_id"]}
            told = there.call("chat_history", asked)["data"]["messages"][-1]
            assert (told["id"], told["status"]) == (ids["message_id"], "streaming")
            assert told["last_index"] >= said
            assert told["content"] == "".join(PIECES[: told["last_index"] + 1])


def test_an_answer_whose_worker_is_killed_ends_with_an_error_that_keeps_what_was_said(fleet):
    with model(slowly(1.0)) as environ:
        jupiter = fleet(environ=environ)
        with events_on(jupiter, "1") as here, events_on(jupiter, "2") as there:
            ids = here.call("chat_message", {"message": "Count.", "client_message_id": "m-1"})["data"]
            there.wait_for("chat_delta", lambda told: told["index"] == 2)
            os.kill(pids(jupiter)["1"], signal.SIGKILL)
            ended = there.wait_for("chat_error", timeout=40)
            assert ended["message_id"] == ids["message_id"]
            asked = {"conversation_id": ids["conversation_id"]}
            told = there.call("chat_history", asked)["data"]["messages"][-1]
            assert told["status"] == "interrupted"
            assert told["content"].startswith("".join(PIECES[:3]))


def test_who_reconnects_to_another_worker_loses_nothing_and_gets_nothing_twice(fleet):
    with model(slowly(0.05)) as environ:
        jupiter = fleet(environ=environ)
        with events_on(jupiter, "1") as asking:
            with events_on(jupiter, "1") as first:
                begin = first.call("sync", {"chat": 0})["data"]["streams"]["chat"]["seq"]
                asking.call("chat_message", {"message": "Count.", "client_message_id": "m-1"})
                first.wait_for("chat_delta", lambda told: told["index"] >= 5)
            got = [data["seq"] for _, data in chat_of(first)]
            with events_on(jupiter, "2") as second:
                missed = second.call("sync", {"chat": got[-1]})["data"]["streams"]["chat"]["events"]
                ended = [event["payload"]["seq"] for event in missed if event["event"] == "chat_response"]
                last = ended[0] if ended else second.wait_for("chat_response", timeout=30)["seq"]
                got += [event["payload"]["seq"] for event in missed]
                got += [data["seq"] for _, data in chat_of(second) if data["seq"] > got[-1]]
            assert got == list(range(begin + 1, last + 1))


def test_a_worker_that_is_killed_takes_no_numbers_with_it(fleet):
    jupiter = fleet()
    with events_on(jupiter, "1") as tab:
        tab.call("sync", {"notice": 0})
        with rest_on(jupiter, "2") as rest:
            rest.post("/api/features/chat/disable", json={"reason": "drill"})
        last = tab.wait_for("notice", lambda told: "drill" in told["message"])["seq"]
        os.kill(pids(jupiter)["1"], signal.SIGKILL)
        tab.wait_for("disconnect")
    with rest_on(jupiter, "2") as rest:
        rest.post("/api/features/chat/enable")
    with Events().connect(jupiter.url, jupiter.token) as again:
        missed = again.call("sync", {"notice": last})["data"]["streams"]["notice"]["events"]
        assert [event["payload"]["message"] for event in missed] == ["Grok chat works again."]
        assert missed[0]["payload"]["seq"] == last + 1


def test_what_all_workers_see_is_told_once(fleet):
    jupiter = fleet(3)
    with events_on(jupiter, "1") as tab, rest_on(jupiter, "2") as rest:
        rest.post("/api/features/pulse/disable", json={"reason": "told once"})
        tab.wait_for("status_update", lambda told: not told["features"]["community_pulse"]["enabled"])
        time.sleep(1.5)  # time for the other workers to say it too
        assert len([n for n in tab.named("notice") if "told once" in n["message"]]) == 1
        pictures = [without_times(told) for told in tab.named("status_update") if "seq" in told]
        assert all(one != next_one for one, next_one in pairwise(pictures))


def without_times(told):
    features = {
        name: (feature["enabled"], feature["circuit_breaker"], feature["failures"])
        for name, feature in told["features"].items()
    }
    checks = {name: check["status"] for name, check in told["checks"].items()}
    return features, checks, told["errors"], told["health"]


def test_an_override_and_its_end_are_known_to_every_worker_and_audited(fleet):
    jupiter = fleet()
    with rest_on(jupiter, "1") as one, rest_on(jupiter, "2") as two:
        one.post("/api/features/pulse/disable", json={"reason": "drill", "seconds": 10})

        def seen():
            told = two.get("/api/feature-status").body["community_pulse"]
            return not told["enabled"] and told["reason"] == "drill"

        eventually(seen, timeout=8)
        eventually(lambda: two.get("/api/feature-status").body["community_pulse"]["enabled"], timeout=30)
        one.post("/api/features/pulse/disable", json={"reason": "again"})
        eventually(lambda: not two.get("/api/feature-status").body["community_pulse"]["enabled"], timeout=3)
        os.kill(pids(jupiter)["2"], signal.SIGKILL)
    with rest_on(jupiter, "2") as two:  # who comes later knows it too
        assert two.get("/api/feature-status").body["community_pulse"]["reason"] == "again"
        two.post("/api/reset-circuit-breaker/pulse")
        with rest_on(jupiter, "1") as one:
            eventually(lambda: one.get("/api/feature-status").body["community_pulse"]["enabled"], timeout=3)
        acts = [entry["action"] for entry in two.get("/api/audit").body["entries"]]
        assert acts[:3] == ["reset_circuit_breaker", "disable_feature", "disable_feature"]


def test_signing_out_is_known_to_the_other_worker(fleet):
    jupiter = fleet()
    with httpx.Client(trust_env=False) as browser:
        browser.get(jupiter.link)
        cookie = {"Cookie": f"jupiter_session={browser.cookies['jupiter_session']}"}
        page = browser.get(jupiter.url + "/").text
        csrf = page.split('name="csrf-token" content="')[1].split('"')[0]
        with rest_on(jupiter, "1", "") as one, rest_on(jupiter, "2", "") as two:
            for rest in (one, two):
                assert rest.get("/api/feature-status", headers=cookie).status == 200
            assert browser.post(jupiter.url + "/logout", headers={"X-CSRF-Token": csrf}).status_code == 303
            for rest in (one, two):
                eventually(lambda rest=rest: rest.get("/api/feature-status", headers=cookie).status == 401, timeout=5)
