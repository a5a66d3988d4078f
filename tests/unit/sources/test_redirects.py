"""Where a redirect may lead."""

import httpx
import pytest

from backend.errors import UpstreamRejectedError
from backend.sources.redirects import check_address, next_address, peer


@pytest.mark.parametrize(
    ("start", "location", "end"),
    [
        ("https://a.example/x", "/y", "https://a.example/y"),
        ("https://a.example/x", "https://A.example/y?q=1", "https://a.example/y?q=1"),
        ("http://a.example/x", "https://a.example/x", "https://a.example/x"),
        ("http://127.0.0.1:8000/x", "y", "http://127.0.0.1:8000/y"),
    ],
)
def test_the_same_host_is_allowed(start, location, end):
    assert str(next_address(httpx.URL(start), location)) == end


@pytest.mark.parametrize(
    ("start", "location"),
    [
        ("https://a.example/x", "https://b.example/x"),
        ("https://a.example/x", "//b.example/x"),
        ("https://a.example/x", "http://a.example/x"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:6379/"),
        ("http://127.0.0.1:8000/x", "https://127.0.0.1/x"),
        ("https://a.example/x", "file:///etc/passwd"),
        ("https://a.example/x", ""),
    ],
)
def test_everything_else_is_refused(start, location):
    with pytest.raises(UpstreamRejectedError):
        next_address(httpx.URL(start), location)


@pytest.mark.parametrize("now", ["10.0.0.5", "127.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "nonsense"])
def test_a_name_that_becomes_private_between_two_hops_is_refused(now):
    with pytest.raises(UpstreamRejectedError, match=r"from 8\.8\.8\.8"):
        check_address("8.8.8.8", now)


@pytest.mark.parametrize(
    ("first", "now"), [(None, "10.0.0.5"), ("10.0.0.4", "10.0.0.5"), ("8.8.8.8", "1.1.1.1"), ("8.8.8.8", None)]
)
def test_a_private_source_stays_allowed_and_a_public_one_public(first, now):
    assert check_address(first, now) is None


def test_the_peer_comes_from_the_connection():
    class Stream:
        def get_extra_info(self, name):
            return ("192.0.2.7", 443) if name == "server_addr" else None

    assert peer(httpx.Response(200, extensions={"network_stream": Stream()})) == "192.0.2.7"
    assert peer(httpx.Response(200)) is None
