"""Fingerprints: the same fault, the same one."""

import pytest

from backend.resilience.fingerprint import fingerprint, normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("timed out after 10.0 s", "timed out after 2.5 s"),
        ("no row 6f1c2d3e-aaaa-bbbb-cccc-1234567890ab", "no row 00000000-1111-2222-3333-444444444444"),
        ("refused by 10.0.0.1:6379", "refused by 192.168.1.20:6380"),
        ("object at 0x7f12ab", "object at 0x99ffee"),
        ("commit deadbeef01 is gone", "commit 1234abcd99 is gone"),
        ("GET https://a.test/x?y=1 failed", "GET http://b.test failed"),
        ("at 2026-07-15T12:00:00Z", "at 2027-01-01 00:00:00.123+02:00"),
        ("unknown field 'a'", 'unknown field "bcd"'),
        ("two  blanks", "two blanks"),
    ],
)
def test_what_varies_between_two_cases_does_not_matter(one, other):
    assert fingerprint("NetworkError", one) == fingerprint("NetworkError", other)


def test_another_type_or_another_text_is_another_fault():
    one = fingerprint("NetworkError", "refused")
    assert one != fingerprint("DatabaseError", "refused")
    assert one != fingerprint("NetworkError", "reset")


def test_it_carries_the_version_of_its_recipe():
    assert fingerprint("NetworkError", "refused") == "v1:622d2e16b9a6"


def test_words_are_kept():
    assert normalised("facade of 3 beads was added") == "facade of <n> beads was added"


def test_texts_that_are_no_proper_unicode_are_taken_too():
    assert fingerprint("X", "\ud800").startswith("v1:")


def test_a_fault_goes_by_its_first_300_characters():
    text = "word " * 60
    assert len(text) == 300
    assert fingerprint("x", text[:-1] + "a") != fingerprint("x", text[:-1] + "b")
    assert fingerprint("x", text + "a") == fingerprint("x", text + "b")
