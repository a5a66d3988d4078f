"""Link headers and rate limits of answers."""

from datetime import UTC, datetime

import httpx
import pytest

from backend.errors import NetworkError
from backend.resilience.testing import FakeClock
from backend.sources.headers import next_page, requests_left, wait_for_reset
from tests.unit.sources.fakes import fetcher

HERE = "https://social.example/api/v1/timelines/tag/infosec?limit=40"
NOW = datetime(2026, 8, 1, 13, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            '<https://social.example/a?max_id=5>; rel="next", <https://social.example/a?min_id=9>; rel="prev"',
            "a?max_id=5",
        ),
        ('<https://social.example/a?min_id=9>; rel="prev", </a?max_id=5>; rel=next', "a?max_id=5"),
        ('<https://social.example/a>; title="x"; rel="last next"', "a"),
    ],
)
def test_the_next_page_is_found_wherever_it_stands(header, found):
    assert next_page(header, HERE) == f"https://social.example/{found}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        '<https://social.example/a>; rel="prev"',
        '<https://social.example/a>; rel="nextish"',
        '<https://evil.example/a>; rel="next"',
        '<http://social.example/a>; rel="next"',
        '<javascript:alert(1)>; rel="next"',
        '<//evil.example/a>; rel="next"',
        '<http://[::1/a>; rel="next"',
    ],
)
def test_nothing_and_other_servers_are_no_next_page(header):
    assert next_page(header, HERE) is None


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "2026-08-01T14:00:00.419017Z"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-08-01T14:00:00.000Z"}, 600.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 30)}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-08-01T13:00:00Z"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "9" * 5000, "x-ratelimit-reset": "0"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 5000}, None),
    ],
)
def test_a_spent_limit_says_how_long_to_wait(headers, wait):
    assert wait_for_reset(headers, NOW) == wait


def test_what_is_left_is_a_number_or_unknown():
    assert requests_left({"x-ratelimit-remaining": "299"}) == 299
    assert requests_left({"x-ratelimit-remaining": "-"}) is None


def test_a_refusal_for_the_rate_carries_the_time_of_its_reset():
    limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-01-01T00:05:00.000Z"}
    asked = fetcher(lambda _: httpx.Response(429, headers=limits), FakeClock())
    with pytest.raises(NetworkError) as caught:
        asked.get(HERE)
    assert (caught.value.upstream_status, caught.value.retry_after) == (429, 300.0)


def test_the_headers_of_an_answer_are_handed_on():
    asked = fetcher(lambda _: httpx.Response(200, headers={"Link": "<x>; rel=next"}, content=b"[]"))
    assert asked.get(HERE).headers["link"] == "<x>; rel=next"
