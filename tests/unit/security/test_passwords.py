"""Passwords are hashed, compared in equal time, and bounded."""

import threading

import pytest

from backend.errors import BulkheadFullError, ValidationError
from backend.security.passwords import Cost, Passwords

CHEAP = Cost(time=1, memory_kib=8, lanes=1)
GOOD = "correct horse battery"


@pytest.fixture
def passwords():
    return Passwords(CHEAP, offload=lambda func, *args: func(*args))


def test_only_the_password_itself_fits(passwords):
    stored = passwords.hash(GOOD)
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    assert passwords.fits(GOOD, stored) is True
    assert passwords.fits(GOOD + "x", stored) is False
    assert passwords.fits("", stored) is False
    assert passwords.hash(GOOD) != stored  # salted


def test_every_keyboard_types_the_same_password(passwords):
    assert passwords.fits("pa\u0301ssword with accents", passwords.hash("p\u00e1ssword with accents"))


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257])
def test_a_password_that_is_too_short_or_too_long_is_refused_without_repeating_it(passwords, password):
    with pytest.raises(ValidationError) as refused:
        passwords.hash(password)
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$broken", "x" * 5000])
def test_a_hash_that_is_none_fits_nothing(passwords, stored):
    assert passwords.fits(GOOD, stored) is False


@pytest.mark.parametrize("typed", ["\ud800", "x" * 1_000_000, "\0", "🪐" * 40])
def test_whatever_is_typed_is_only_wrong(passwords, typed):
    assert passwords.fits(typed, passwords.hash(GOOD)) is False


def test_a_name_that_nobody_has_costs_the_same_work():
    calls = []
    passwords = Passwords(CHEAP, offload=lambda func, *args: calls.append(func.__name__) or func(*args))
    stored = passwords.hash(GOOD)
    calls.clear()
    passwords.fits("wrong password", stored)
    assert calls == ["_fits"]
    calls.clear()
    for _ in range(3):
        assert passwords.fits("wrong password", None) is False
    assert calls == ["hash", "_fits", "_fits"]  # each costs the same


def test_hashes_of_another_cost_are_old(passwords):
    assert passwords.is_old(passwords.hash(GOOD)) is False
    assert Passwords(Cost(2, 8, 1)).is_old(passwords.hash(GOOD)) is True


def test_only_a_few_are_hashed_at_once_and_the_others_are_told():
    inside, go_on = threading.Event(), threading.Event()

    def slow(func, *args):
        inside.set()
        go_on.wait(20)
        return func(*args)

    passwords = Passwords(CHEAP, offload=slow, at_once=1, wait_seconds=0.01)
    first = threading.Thread(target=passwords.hash, args=(GOOD,))
    first.start()
    assert inside.wait(20)
    with pytest.raises(BulkheadFullError):
        passwords.hash(GOOD)
    go_on.set()
    first.join(20)
    assert not first.is_alive()
