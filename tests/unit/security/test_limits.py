"""Limits count each client by itself."""

import pytest

from backend.errors import RateLimitedError
from backend.security.limits import RateLimiter


def test_the_limit_holds_for_each_key_and_says_when_to_come_back():
    limiter = RateLimiter({"events": "3/hour"})
    for _ in range(3):
        limiter.check("events", "ann")
    with pytest.raises(RateLimitedError) as refused:
        limiter.check("events", "ann")
    assert 1 <= refused.value.retry_after <= 3600
    limiter.check("events", "bob")
