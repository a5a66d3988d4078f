"""Bodies are bounded on the wire and after decompression."""

import gzip
import itertools
import tracemalloc

import pytest

from backend.errors import NetworkError
from backend.sources.body import PIECE, gunzip, read_body

LIMIT = 1_000_000


def test_pieces_are_joined():
    assert read_body([b"ab", b"", b"c"], max_bytes=3) == b"abc"


def test_one_byte_too_many_is_refused():
    with pytest.raises(NetworkError, match="more than 3 bytes") as caught:
        read_body([b"ab", b"cd"], max_bytes=3)
    assert "larger than" in caught.value.message


def test_an_announced_length_that_is_too_large_is_refused_before_reading():
    def never():
        raise AssertionError("it was read")
        yield b""

    with pytest.raises(NetworkError):
        read_body(never(), announced="1000001", max_bytes=LIMIT)


def test_a_body_without_end_is_refused_at_the_limit():
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield b"x" * 1000

    with pytest.raises(NetworkError):
        read_body(endless(), max_bytes=LIMIT)
    assert len(taken) == LIMIT // 1000 + 1


def test_gzip_is_decompressed_however_it_is_cut_into_pieces():
    text = b"some text " * 50_000
    packed = gzip.compress(text)
    pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]
    assert read_body(pieces, encoding="gzip", max_bytes=LIMIT) == text


def test_several_gzip_members_are_one_body():
    assert read_body([gzip.compress(b"one") + gzip.compress(b"two")], encoding="x-gzip", max_bytes=LIMIT) == b"onetwo"


@pytest.mark.parametrize("cut", [64_000, 20_000_000], ids=["off the wire", "a file"])
def test_a_million_empty_gzip_members_are_refused_at_once(cut):
    """They are no larger than what is accepted, but each costs a decompressor and a copy of the rest."""
    packed = gzip.compress(b"") * 900_000
    pieces, steps = [packed[at : at + cut] for at in range(0, len(packed), cut)], []
    with pytest.raises(NetworkError, match="members") as caught:
        read_body(pieces, encoding="gzip", max_bytes=20_000_000, check=lambda: steps.append(1))
    assert "cannot be decompressed" in caught.value.message
    assert len(steps) < 1100


def test_a_gzip_bomb_is_refused_without_being_unpacked():
    bomb = gzip.compress(b"\0" * 200_000_000, 9)
    assert len(bomb) < LIMIT
    tracemalloc.start()
    with pytest.raises(NetworkError, match="more than"):
        read_body([bomb], encoding="gzip", max_bytes=LIMIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LIMIT + 8 * PIECE


def test_a_gzip_stream_that_ends_early_was_cut_off():
    with pytest.raises(NetworkError) as caught:
        read_body([gzip.compress(b"text" * 1000)[:-20]], encoding="gzip", max_bytes=LIMIT)
    assert caught.value.message == "The answer was cut off."


def test_what_is_no_gzip_is_damaged():
    with pytest.raises(NetworkError) as caught:
        read_body([b"plain text that claims to be packed"], encoding="gzip", max_bytes=LIMIT)
    assert "cannot be decompressed" in caught.value.message


def test_an_encoding_that_nobody_asked_for_is_refused():
    with pytest.raises(NetworkError) as caught:
        read_body([b"..."], encoding="br", max_bytes=LIMIT)
    assert "not asked for" in caught.value.message


def test_the_check_runs_for_every_piece_and_may_end_it():
    def check():
        raise NetworkError("time is up")

    with pytest.raises(NetworkError, match="time is up"):
        read_body([b"a"], max_bytes=LIMIT, check=check)


def test_a_compressed_file_is_bounded_too():
    assert gunzip(gzip.compress(b"abc"), max_bytes=3) == b"abc"
    with pytest.raises(NetworkError):
        gunzip(gzip.compress(b"abcd"), max_bytes=3)
