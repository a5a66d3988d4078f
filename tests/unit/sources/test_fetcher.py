"""The fetcher asks properly, takes only what can be used, and says what went wrong."""

import socket
import ssl

import httpx
import pytest

from backend.errors import NetworkError, UpstreamRejectedError
from backend.resilience.testing import FakeClock
from backend.sources.fetcher import USER_AGENT, new_client
from tests.unit.sources.fakes import fetcher

URL = "https://feeds.example/list.json"


def fails_with(error):
    def answer(_request):
        raise error

    with pytest.raises(NetworkError) as caught:
        fetcher(answer, timeout=10.0).get(URL)
    return caught.value


def test_it_says_who_asks_and_takes_gzip_only():
    seen = {}

    def answer(request):
        seen.update(request.headers)
        return httpx.Response(200, content=b"{}")

    fetcher(answer).get(URL, headers={"Accept": "application/json"})
    assert seen["user-agent"] == USER_AGENT == "Jupiter/0.1"
    assert seen["accept-encoding"] == "gzip"
    assert seen["accept"] == "application/json"


def test_parameters_are_added_to_those_of_the_address():
    seen = []

    def answer(request):
        seen.append(str(request.url))
        return httpx.Response(200, content=b"{}")

    fetcher(answer).get(URL + "?a=1", params={"b": "2"})
    assert seen == [URL + "?a=1&b=2"]


def test_validators_make_the_request_conditional_and_304_is_not_an_error():
    def answer(request):
        assert request.headers["if-none-match"] == '"v1"'
        assert request.headers["if-modified-since"] == "Wed, 15 Jul 2026 16:42:14 GMT"
        return httpx.Response(304)

    found = fetcher(answer).get(URL, etag='"v1"', last_modified="Wed, 15 Jul 2026 16:42:14 GMT")
    assert (found.status, found.not_modified, found.body) == (304, True, b"")


def test_unchanged_is_no_answer_to_who_has_nothing():
    """Else a source that has never given anything would be shown as live, with no records."""
    with pytest.raises(NetworkError) as caught:
        fetcher(lambda _: httpx.Response(304)).get(URL)
    assert caught.value.message == "The server answered with status 304 instead of a document."


def test_the_answer_carries_its_validators_and_its_address():
    def answer(_request):
        return httpx.Response(200, content=b"body", headers={"ETag": '"v2"', "Last-Modified": "yesterday"})

    found = fetcher(answer).get(URL)
    assert (found.body, found.etag, found.last_modified, found.url) == (b"body", '"v2"', "yesterday", URL)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_refusal_cannot_be_retried(status):
    with pytest.raises(UpstreamRejectedError) as caught:
        fetcher(lambda _: httpx.Response(status)).get(URL)
    assert caught.value.upstream_status == status
    assert caught.value.retryable is False
    assert str(status) in caught.value.message


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_fault_can_be_retried(status):
    with pytest.raises(NetworkError) as caught:
        fetcher(lambda _: httpx.Response(status)).get(URL)
    assert caught.value.upstream_status == status
    assert caught.value.retryable is True
    assert caught.value.asked_to_wait is None


def test_a_success_without_a_document_is_no_document():
    with pytest.raises(NetworkError) as caught:
        fetcher(lambda _: httpx.Response(204)).get(URL)
    assert caught.value.message == "The server answered with status 204 instead of a document."


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), ("Thu, 01 Jan 2026 00:02:00 GMT", 120.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0), ("soon", None)],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(header, seconds):
    with pytest.raises(NetworkError) as caught:
        fetcher(lambda _: httpx.Response(429, headers={"Retry-After": header})).get(URL)
    assert caught.value.asked_to_wait == seconds


def test_nobody_makes_us_wait_longer_than_a_day():
    with pytest.raises(NetworkError) as caught:
        fetcher(lambda _: httpx.Response(503, headers={"Retry-After": "99999999"})).get(URL)
    assert caught.value.asked_to_wait == 86_400


def _caused(outer, inner):
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ReadTimeout("slow"), "The server did not answer within 10 s."),
        (httpx.ConnectTimeout("far"), "The server cannot be reached: the connection timed out."),
        (_caused(httpx.ConnectError("no"), ConnectionRefusedError(111, "no")), "The server refused the connection."),
        (
            _caused(httpx.ConnectError("?"), socket.gaierror(-2, "?")),
            "The server's name cannot be resolved. Is there a network?",
        ),
        (
            _caused(httpx.ConnectError("cert"), ssl.SSLCertVerificationError("self-signed")),
            "No secure connection: the server's certificate cannot be verified.",
        ),
        (httpx.ConnectError("unreachable"), "The server cannot be reached. Is there a network?"),
        (
            httpx.RemoteProtocolError("peer closed"),
            "The server ended its answer too early, or it does not speak HTTP.",
        ),
        (httpx.ReadError("reset"), "The connection broke before the answer was complete."),
    ],
)
def test_a_person_is_told_what_happened(error, told):
    found = fails_with(error)
    assert found.message == told
    assert found.retryable is True


def test_an_address_that_cannot_be_used_is_said_to_be_one():
    with pytest.raises(UpstreamRejectedError) as caught:
        fetcher(lambda _: httpx.Response(200)).get("https://feeds.example/\x01")
    assert caught.value.message == "The address cannot be used."


def test_a_slow_drip_ends_at_the_deadline():
    clock = FakeClock()
    sent = []

    def drip():
        while True:
            clock.advance(1.0)
            sent.append(1)
            yield b"."

    with pytest.raises(NetworkError) as caught:
        fetcher(lambda _: httpx.Response(200, content=drip()), clock, timeout=10.0).get(URL)
    assert caught.value.message == "The server did not finish its answer within 10 s."
    assert len(sent) == 10


def test_the_limit_of_one_document_may_be_lower_but_never_higher():
    get = fetcher(lambda _: httpx.Response(200, content=b"12345"), max_bytes=4).get
    with pytest.raises(NetworkError):
        get(URL, max_bytes=100)
    get = fetcher(lambda _: httpx.Response(200, content=b"12345"), max_bytes=5).get
    assert get(URL).body == b"12345"
    with pytest.raises(NetworkError):
        get(URL, max_bytes=4)


def test_redirects_on_the_same_host_are_followed():
    def answer(request):
        step = int(request.url.params.get("step", "0"))
        if step < 3:
            return httpx.Response(302, headers={"Location": f"/list.json?step={step + 1}"})
        return httpx.Response(200, content=b"here")

    assert fetcher(answer).get(URL).body == b"here"


def test_a_circle_of_redirects_ends():
    asked = []

    def answer(request):
        asked.append(request.url)
        return httpx.Response(301, headers={"Location": URL})

    with pytest.raises(NetworkError) as caught:
        fetcher(answer).get(URL)
    assert caught.value.message == "The server redirects in a circle."
    assert len(asked) == 4


def test_a_redirect_to_another_host_is_never_asked():
    asked = []

    def answer(request):
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    with pytest.raises(UpstreamRejectedError) as caught:
        fetcher(answer).get(URL)
    assert asked == ["feeds.example"]
    assert "169.254.169.254" in caught.value.message


def test_the_client_retries_nothing_and_follows_nothing_by_itself():
    with new_client() as client:
        assert client.follow_redirects is False
        assert client.trust_env is False
