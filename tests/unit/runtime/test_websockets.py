"""Unmasking as RFC 6455 has it; the rest is seen on the real server, in tests/integration/test_bad_packets.py."""

import time

from hypothesis import given
from hypothesis import strategies as st

from backend.runtime.websockets import unmasked

masks = st.binary(min_size=4, max_size=4)


@given(st.binary(max_size=300), masks, st.integers(0, 50), st.none() | st.integers(0, 20))
def test_each_byte_is_unmasked_by_its_place_in_the_frame(data, mask, offset, length):
    meant = data if length is None else data[:length]
    expected = bytes(byte ^ mask[(offset + place) % 4] for place, byte in enumerate(meant))
    assert unmasked(data, tuple(mask), len(meant), offset) == expected


def test_the_example_of_the_standard():
    assert unmasked(bytes.fromhex("7f9f4d5158"), bytes.fromhex("37fa213d")) == b"Hello"


def test_two_megabytes_are_unmasked_in_no_time():
    data = b"x" * 2_000_000
    began = time.process_time()
    unmasked(data, (1, 2, 3, 4))
    assert time.process_time() - began < 0.2  # milliseconds; byte by byte about half a second
