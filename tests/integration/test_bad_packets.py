"""Clients that do not keep to Engine.IO or Socket.IO: they lose their socket, and nobody else notices."""

import json
import os
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest
import websocket

from tests.support.client import eventually
from tests.support.server import NOWHERE, Jupiter
from tests.support.site import Site

PACKETS = ["4", "4x", "42", "42{bad", "42[]", "42[null]", "42" + "[" * 5000, '4{"a":1}', "40{bad", "44{}", '4599-["x"]']


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    settings = {**NOWHERE, "JUPITER_EVENT_RATE_LIMIT": "100000/second", "JUPITER_LOG_FORMAT": "json"}
    with Jupiter(tmp_path_factory.mktemp("bad-packets"), settings) as made:
        yield made
        assert "Traceback" not in made.output
        for line in (made.folder / "stderr").read_text().splitlines():
            assert json.loads(line)["level"] != "critical"  # all of it is JSON, what the libraries say too


def opened(jupiter, token=None):
    """A bare websocket, signed in where there is a token."""
    made = websocket.create_connection(f"{jupiter.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket")
    made.settimeout(10)  # less than who does not sign in is given, so that it is not that which closes it
    made.recv()
    if token is not None:
        made.send("40" + json.dumps({"token": token}))
        while not made.recv().startswith('40{"sid"'):  # what is told to everybody may come before
            continue
    return made


def is_closed(bare):
    """Whether the server closes it; what it sends before is passed over."""
    try:
        while bare.recv() not in ("", "1"):
            continue
    except websocket.WebSocketTimeoutException:
        return False
    except (websocket.WebSocketException, OSError):
        return True
    return True


def send_all(bare, pieces):
    for piece in pieces:
        bare.sock.sendall(piece)


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: packet[:12])
def test_what_is_no_packet_costs_its_sender_the_socket_and_nobody_else(jupiter, packet):
    with jupiter.events() as bystander:
        for token in (None, jupiter.token):
            bare = opened(jupiter, token)
            bare.send(packet)
            assert is_closed(bare)
        assert bystander.call("request_status")["ok"] is True


@pytest.mark.parametrize("name", ["connect", "disconnect"])
def test_no_event_takes_a_socket_out_of_those_that_are_looked_after(jupiter, name):
    """It went on hearing everything, and neither a sign-out nor a role could reach it."""
    bare = opened(jupiter, jupiter.token)
    bare.send("42" + json.dumps([name, {"token": jupiter.token}]))
    assert is_closed(bare)


def test_an_address_that_no_client_asks_for_is_refused(jupiter):
    for query in ("", "?EIO=3&transport=polling", "?EIO=4&transport=polling&sid=none", "?EIO=4&transport=other"):
        answer = httpx.get(f"{jupiter.url}/socket.io/{query}", trust_env=False)
        assert (answer.status_code, "Content-Security-Policy" in answer.headers) == (400, True)


def test_attachments_that_nobody_asked_for_are_not_collected(jupiter):
    bare = opened(jupiter, jupiter.token)
    bare.send('451-["request_status",{"_placeholder":true,"num":0}]')
    for _ in range(3):
        bare.send_binary(b"x" * 1000)
    assert is_closed(bare)


def test_a_message_of_many_frames_is_no_larger_than_one_of_one_frame(jupiter):
    """Without an end of the message the frames were collected, whoever sent them."""
    bare, before = opened(jupiter), jupiter.memory()
    frame = websocket.ABNF(fin=0, opcode=websocket.ABNF.OPCODE_TEXT, data=b"4" * 500_000, mask_value=1)
    pieces = [frame.format()]
    frame.opcode = websocket.ABNF.OPCODE_CONT
    with pytest.raises(OSError, match=r"reset|[Bb]roken|closed|aborted"):
        send_all(bare, pieces + [frame.format()] * 400)
    assert jupiter.memory() - before < 50_000_000


def test_a_large_message_does_not_stop_the_others(jupiter):
    """Unmasking two megabytes byte by byte took seconds in which nobody was served."""
    with jupiter.rest() as rest:
        for _ in range(5):
            bare = opened(jupiter)
            bare.send("4" + "x" * 1_900_000)
            assert rest.get("/livez").seconds < 1.0
            bare.close()


@pytest.mark.parametrize("body", [b"6", b"2", b"\xff\xfe", b"4x\x1e4x", b"42{bad", b"4" * 2_000_001], ids=len)
def test_a_request_that_is_none_keeps_no_connection(jupiter, body):
    """Engine.IO waited for such a client to fetch what was queued for it: for ever, if it never came."""
    before = len(os.listdir(f"/proc/{jupiter.process.pid}/fd"))
    host, port = urlsplit(jupiter.url).hostname, urlsplit(jupiter.url).port
    for _ in range(8):
        opened_by = httpx.get(f"{jupiter.url}/socket.io/?EIO=4&transport=polling", trust_env=False)
        sid = json.loads(opened_by.text[1:])["sid"]
        head = (
            f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        )
        with socket.create_connection((host, port)) as bare:
            bare.sendall(head.encode() + b"\r\n" + body[:1000])
            time.sleep(0.02)
    eventually(lambda: len(os.listdir(f"/proc/{jupiter.process.pid}/fd")) <= before + 3, timeout=10)


def test_who_never_signs_in_is_looked_after_with_the_sign_ins(tmp_path):
    site = Site(tmp_path / "var")
    entrance, looked = site.jupiter.sockets.entrance, []
    entrance._strangers.look = lambda: looked.append(True)
    entrance.look_after_logins()
    assert looked == [True]
    site.close()
