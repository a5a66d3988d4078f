"""How a request is framed, on the real server."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.support.server import NOWHERE, Jupiter

BODY = b'{"name": "in pieces", "experiment_type": "benchmark"}'


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    settings = {**NOWHERE, "JUPITER_MAX_BODY_BYTES": "2048", "JUPITER_MAX_SCAN_BYTES": "2048"}
    with Jupiter(tmp_path_factory.mktemp("framing"), settings) as made:
        yield made
        assert "Traceback" not in made.output


def asked(jupiter, path, headers, content, kind="application/json"):
    """Send a POST as it is and return its status and body."""
    address = urlsplit(jupiter.url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {jupiter.token}\r\nContent-Type: {kind}\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as bare:
        bare.sendall(head.encode() + b"".join(b"%b\r\n" % one for one in (*headers, b"Connection: close")) + b"\r\n")
        bare.sendall(content)
        whole = b"".join(iter(lambda: bare.recv(65536), b""))
    first, _, rest = whole.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(rest) if rest.startswith(b"{") else rest


def in_chunks(*pieces):
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = (b"Transfer-Encoding: chunked",)


def test_a_body_in_chunks_is_read(jupiter):
    status, made = asked(jupiter, "/api/experiments", CHUNKED, in_chunks(BODY[:20], BODY[20:]))
    assert (status, made["name"]) == (201, "in pieces")


def test_a_file_in_chunks_is_read(jupiter):
    report = in_chunks(b"CVE-2024-3094\n", b"CVE-2021-44228\n")
    status, made = asked(jupiter, "/api/scans?format=cve_list", CHUNKED, report, "text/plain")
    assert (status, made["size"]) == (201, 29)
    table = in_chunks(b"name,experiment_type\n", b"from a file,benchmark\n")
    status, told = asked(jupiter, "/api/experiments/import", CHUNKED, table, "text/csv")
    assert (status, told["accepted"]) == (200, 1)


@pytest.mark.parametrize("path", ["/api/experiments", "/api/scans"])
def test_limits_hold_for_a_body_in_chunks(jupiter, path):
    status, told = asked(jupiter, path, CHUNKED, in_chunks(*[b"x" * 1000] * 100))
    assert (status, told["error_code"]) == (413, "VALIDATION_ERROR")


def test_chunks_that_are_none_are_refused(jupiter):
    for content in (b"ZZ\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n"):
        status, _ = asked(jupiter, "/api/experiments", CHUNKED, content)
        assert status == 400


@pytest.mark.parametrize("lengths", [(b"2", b"53"), (b"53", b"53"), (b"+53",)], ids=str)
def test_a_length_that_can_be_read_in_two_ways_is_refused(jupiter, lengths):
    status, _ = asked(jupiter, "/api/experiments", [b"Content-Length: " + one for one in lengths], BODY)
    assert status == 400


def test_a_length_and_chunks_together_are_refused(jupiter):
    status, _ = asked(jupiter, "/api/experiments", (*CHUNKED, b"Content-Length: 2"), in_chunks(BODY))
    assert status == 400
