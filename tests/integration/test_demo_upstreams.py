"""The demo's simulators over real sockets."""

import json
import socket
import threading
import time

import httpx
import pytest

from backend.config import load_settings
from backend.demo import start_demo
from tests.support.client import eventually


@pytest.fixture
def demo():
    made = start_demo()
    yield made
    made.stop()


@pytest.fixture
def client():
    with httpx.Client(timeout=5, trust_env=False) as made:
        yield made


def _url(demo, name):
    return {
        "threats": demo.environ()["JUPITER_SOURCE_CISA_KEV_URL"],
        "nvd": demo.environ()["JUPITER_SOURCE_NVD_URL"],
        "ghsa": demo.environ()["JUPITER_SOURCE_GHSA_URL"],
        "epss": demo.environ()["JUPITER_SOURCE_EPSS_URL"],
        "feeds": demo.environ()["JUPITER_PULSE_FEEDS"].split()[0],
        "llm": demo.environ()["JUPITER_LLM_BASE_URL"] + "/models",
    }[name]


NAMES = ("threats", "nvd", "ghsa", "epss", "feeds", "llm")


def test_its_settings_are_all_known_to_the_server(demo):
    settings = load_settings(demo.environ(), env_file=None)
    assert settings.notices == ()
    assert settings.guard.open_seconds == 15
    assert len(settings.pulse_feeds) == 4


@pytest.mark.parametrize("name", NAMES)
def test_each_upstream_answers_and_counts_its_requests(demo, client, name):
    assert client.get(_url(demo, name)).status_code == 200
    counted = {upstream["name"]: upstream["requests"] for upstream in demo.upstreams()}
    assert counted == {other: int(other == name) for other in NAMES}


def test_an_unchanged_catalogue_is_answered_with_304(demo, client):
    first = client.get(_url(demo, "threats"))
    again = client.get(_url(demo, "threats"), headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", NAMES)
def test_refuse_really_closes_the_port_and_ok_opens_the_same_one(demo, client, name):
    demo.set_mode(name, "refuse")
    with pytest.raises(httpx.ConnectError):
        client.get(_url(demo, name))
    demo.set_mode(name, "ok")
    assert client.get(_url(demo, name)).status_code == 200


def test_hang_does_not_answer_until_the_switch_moves(demo, client):
    demo.set_mode("threats", "hang")
    with pytest.raises(httpx.ReadTimeout):
        client.get(_url(demo, "threats"), timeout=0.3)
    demo.set_mode("threats", "ok")
    assert client.get(_url(demo, "threats")).status_code == 200


def test_moving_the_switch_lets_go_who_hangs(demo, client):
    demo.set_mode("threats", "hang")

    def when_somebody_hangs():
        eventually(lambda: any(one["name"] == "threats" and one["requests"] for one in demo.upstreams()))
        demo.set_mode("threats", "ok")

    threading.Thread(target=when_somebody_hangs).start()
    started = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(_url(demo, "threats"))
    assert time.monotonic() - started < 4


def test_slow_answers_later_than_the_call_timeout_of_the_demo(demo, client):
    demo.set_mode("epss", "slow")
    with pytest.raises(httpx.ReadTimeout):
        client.get(_url(demo, "epss"), timeout=2)


def test_one_slow_upstream_does_not_delay_another(demo, client):
    demo.set_mode("feeds", "hang")
    started = time.monotonic()
    assert client.get(_url(demo, "threats")).status_code == 200
    assert time.monotonic() - started < 2


def test_error_html_and_garbage_reach_the_client(demo, client):
    demo.set_mode("epss", "error")
    assert client.get(_url(demo, "epss")).status_code == 500
    demo.set_mode("epss", "html")
    assert "<html>" in client.get(_url(demo, "epss")).text
    demo.set_mode("epss", "garbage")
    assert b"\xff" in client.get(_url(demo, "epss")).content


def test_truncated_breaks_off_within_the_body(demo, client):
    demo.set_mode("threats", "truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(_url(demo, "threats"))


def test_unknown_names_and_modes_are_refused(demo):
    with pytest.raises(ValueError, match="upstream must be one of"):
        demo.set_mode("weather", "ok")
    with pytest.raises(ValueError, match="mode must be one of"):
        demo.set_mode("llm", "sleepy")


def test_the_model_streams_word_by_word(demo, client):
    asked = {"stream": True, "messages": [{"role": "user", "content": "hello"}]}
    moments = []
    with client.stream("POST", demo.environ()["JUPITER_LLM_BASE_URL"] + "/chat/completions", json=asked) as answer:
        lines = []
        for line in answer.iter_lines():
            moments.append(time.monotonic())
            lines.append(line)
    assert moments[-1] - moments[0] > 0.3
    assert json.loads(lines[0].removeprefix("data: "))["object"] == "chat.completion.chunk"
    assert "data: [DONE]" in lines


def test_after_stop_nothing_listens():
    made = start_demo()
    address = made.upstreams()[0]["address"].rsplit(":", 1)
    made.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address[1])), timeout=2)
