"""What every tier of the cache does alike."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from backend.cache.envelope import Envelope
from backend.cache.memory import MemoryTier
from backend.cache.redis_tier import RedisTier, connect
from backend.cache.tier import Tier


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def tier(request: pytest.FixtureRequest) -> Iterator[Tier]:
    """Each tier in turn, empty."""
    if request.param == "memory":
        yield MemoryTier()
        return
    client = connect(request.getfixturevalue("shared_redis").url)
    client.flushall()
    yield RedisTier(client, prefix=f"test{os.getpid()}:")
    client.close()


def envelope(body: bytes = b'{"a":1}', *, fresh: float = 60, stale: float = 60, tags: tuple[str, ...] = ()) -> Envelope:
    now = time.time()
    return Envelope(body, now, now + fresh, now + fresh + stale, seconds=0.25, tags=tags)


def is_fresh(tier: Tier, key: str) -> bool | None:
    found = tier.get(key)
    return None if found is None else found.is_fresh(time.time())


def test_an_envelope_comes_back_whole(tier: Tier) -> None:
    """Bytes, times, tags and entity tag."""
    made = envelope('{"ü":"☄"}'.encode(), tags=("t", "u"))
    assert tier.set("k", made) is True
    assert tier.get("k") == made


def test_nothing_is_under_an_unknown_key(tier: Tier) -> None:
    """None, not an error."""
    assert tier.get("k") is None
    tier.invalidate("k")
    tier.invalidate_tag("t")
    tier.delete("k")
    assert tier.get("k") is None


def test_a_known_absence_stays_one(tier: Tier) -> None:
    """Negative caching."""
    now = time.time()
    tier.set("k", Envelope(b'"gone"', now, now + 9, now + 9, absent=True))
    found = tier.get("k")
    assert found is not None
    assert (found.absent, found.value()) == (True, "gone")


def test_an_outdated_envelope_is_kept_as_a_stale_copy(tier: Tier) -> None:
    """Until its time is over."""
    tier.set("k", envelope(fresh=-1, stale=60))
    assert is_fresh(tier, "k") is False
    tier.set("over", envelope(fresh=-2, stale=1))
    assert tier.get("over") is None


def test_invalidating_keeps_the_stale_copy(tier: Tier) -> None:
    """By key; others stay fresh."""
    tier.set("k", envelope())
    tier.set("other", envelope())
    tier.invalidate("k")
    assert (is_fresh(tier, "k"), is_fresh(tier, "other")) == (False, True)
    found = tier.get("k")
    assert found is not None
    assert found.value() == {"a": 1}
    assert found.is_usable(time.time())


def test_a_tag_invalidates_all_that_carry_it(tier: Tier) -> None:
    """And nothing else."""
    tier.set("a", envelope(tags=("t", "u")))
    tier.set("b", envelope(tags=("t",)))
    tier.set("c", envelope(tags=("u",)))
    tier.invalidate_tag("t")
    assert [is_fresh(tier, key) for key in "abc"] == [False, False, True]


def test_delete_forgets_the_stale_copy_too(tier: Tier) -> None:
    """Nothing is left."""
    tier.set("k", envelope(tags=("t",)))
    tier.delete("k")
    assert tier.get("k") is None
    tier.invalidate_tag("t")
    assert tier.get("k") is None


@pytest.mark.parametrize("how", ["invalidate", "invalidate_tag", "delete"])
def test_a_value_computed_before_an_invalidation_is_not_fresh(tier: Tier, how: str) -> None:
    """What was read before the change would otherwise stay for the whole time to live."""
    generation = tier.generation("k", ("t",))
    getattr(tier, how)("t" if how == "invalidate_tag" else "k")
    assert tier.set("k", envelope(tags=("t",)), generation=generation) is False
    assert is_fresh(tier, "k") is False
    generation = tier.generation("k", ("t",))
    assert tier.set("k", envelope(tags=("t",)), generation=generation) is True
    assert is_fresh(tier, "k") is True


def test_a_late_value_does_not_replace_a_newer_one(tier: Tier) -> None:
    """The slow computation of before the change comes last."""
    before = tier.generation("k", ())
    tier.invalidate("k")
    tier.set("k", envelope(b'"new"'), generation=tier.generation("k", ()))
    assert tier.set("k", envelope(b'"old"'), generation=before) is False
    found = tier.get("k")
    assert found is not None
    assert found.value() == "new"
    assert found.is_fresh(time.time())


def test_one_has_the_lease_until_it_is_given_back_or_over(tier: Tier) -> None:
    """Only its owner gives it back; a lost owner's ends by itself."""
    assert tier.acquire("k", "mine", 60) is True
    assert tier.acquire("k", "yours", 60) is False
    assert tier.acquire("other", "yours", 0.02) is True
    tier.release("k", "yours")
    assert tier.acquire("k", "yours", 60) is False
    tier.release("k", "mine")
    assert tier.acquire("k", "yours", 60) is True
    end = time.monotonic() + 5
    while not tier.acquire("other", "mine", 60):
        assert time.monotonic() < end, "the lease does not end"
