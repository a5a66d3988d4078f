"""The memory tier: bounded by bytes, least recently used first out."""

from __future__ import annotations

from backend.cache.envelope import Envelope
from backend.cache.memory import MemoryTier
from backend.resilience.testing import FakeClock

NOW = FakeClock().now().timestamp()


def envelope(size: int = 1000, tags: tuple[str, ...] = ()) -> Envelope:
    return Envelope(b"x" * size, NOW, NOW + 60, NOW + 120, tags=tags)


def test_the_least_recently_used_goes_first() -> None:
    """Reading counts as use."""
    tier = MemoryTier(5000, clock=FakeClock())
    for key in "abc":
        tier.set(key, envelope())
    tier.get("a")
    tier.set("d", envelope())
    assert [key for key in "abcd" if tier.get(key)] == ["a", "c", "d"]


def test_it_never_takes_more_than_its_bytes() -> None:
    """Whatever the sizes; one that is too large alone is not kept and does not push out the others."""
    tier = MemoryTier(20_000, clock=FakeClock())
    for number in range(200):
        tier.set(str(number), envelope(number * 53 % 4000))
        assert tier.bytes_used <= 20_000
    before = len(tier)
    tier.set("huge", envelope(30_000))
    assert tier.get("huge") is None
    assert len(tier) == before


def test_the_bytes_are_given_back() -> None:
    """By replacing, deleting and the end of the stale time."""
    clock = FakeClock()
    tier = MemoryTier(clock=clock)
    tier.set("a", envelope(5000, ("t",)))
    tier.set("a", envelope(10))
    tier.set("b", envelope())
    tier.delete("b")
    assert tier.bytes_used < 1000
    clock.advance(121)
    assert tier.get("a") is None
    assert (tier.bytes_used, len(tier)) == (0, 0)


def test_tags_of_what_is_gone_are_forgotten() -> None:
    """They would add up otherwise."""
    tier = MemoryTier(10_000, clock=FakeClock())
    for number in range(1000):
        tier.set(str(number), envelope(tags=(f"tag {number}",)))
    assert len(tier._tagged) == len(tier) < 10
