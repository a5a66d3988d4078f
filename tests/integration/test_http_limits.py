"""Clients that send the head of a request byte by byte, or nothing at all, or a body that nobody wants."""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from backend.runtime import http_limits
from tests.support.requirements import ROOT

READ_TIMEOUT, HEAD_TIMEOUT = 1.0, 0.5
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module", params=["eventlet", "gevent"])
def connect(request):
    if request.param == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed; `make test` installs it")
    with serving(request.param) as connection:
        yield connection


@contextmanager
def serving(mode):
    command = [sys.executable, "-m", "tests.support.bare_server", mode, str(READ_TIMEOUT), str(HEAD_TIMEOUT)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        yield lambda: socket.create_connection(("127.0.0.1", port), timeout=30)
        process.kill()


def told_while_dripping(bare, head, pause):
    """Send the head byte by byte until the server closes; return what it said. Its end must never be reached."""
    bare.settimeout(pause)
    for byte in head:
        try:
            bare.send(bytes([byte]))
            told = bare.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            return b""
        bare.settimeout(30)
        return told
    raise AssertionError("the server took the whole head")


def answered(bare):
    bare.sendall(REQUEST)
    told = b""
    while not told.endswith(b"hello"):
        piece = bare.recv(4096)
        assert piece, told
        told += piece
    return told


def test_headers_that_drip_are_given_up_and_say_so(connect):
    with connect() as bare:
        bare.sendall(b"GET / HTTP/1.1\r\n")
        assert told_while_dripping(bare, b"X-Slow: " + b"y" * 10_000, 0.02)[9:12] in (b"408", b"400")
        assert bare.recv(4096) == b""


def test_a_request_line_that_drips_is_given_up(connect):
    with connect() as bare:
        assert told_while_dripping(bare, b"GET /" + b"a" * 5_000, 0.02) == b""


def test_who_sends_nothing_is_gone(connect):
    with connect() as bare:
        assert bare.recv(4096) == b""


def test_a_connection_that_is_kept_open_has_the_time_anew_for_each_request(connect):
    with connect() as bare:
        for _ in range(4):
            assert answered(bare).startswith(b"HTTP/1.1 200")
            time.sleep(HEAD_TIMEOUT / 2)


def posted(head):
    return b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head + b"\r\n\r\n"


@pytest.mark.parametrize("pause", [0, 0.3], ids=["at once", "after the answer"])
@pytest.mark.parametrize("head", [b"Content-Length: 3000000", b"Transfer-Encoding: chunked"], ids=["length", "chunks"])
def test_who_sends_a_body_that_nobody_reads_gets_the_answer_all_the_same(connect, head, pause):
    body = b"x" * 3_000_000 if b"Length" in head else b"2dc6c0\r\n" + b"x" * 3_000_000 + b"\r\n0\r\n\r\n"
    with connect() as bare:
        bare.sendall(posted(head) + body[:1000])
        time.sleep(pause)
        bare.sendall(body[1000:])
        assert b"".join(iter(lambda: bare.recv(65_536), b"")).endswith(b"hello")


def test_a_body_without_end_is_not_listened_to_for_ever():
    with serving("eventlet") as connect, connect() as bare:
        bare.sendall(posted(b"Content-Length: 1000000000000"))
        with pytest.raises(ConnectionError):
            bare.sendall(bytes(2 * http_limits.DRAIN_BYTES))
