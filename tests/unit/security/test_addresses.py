"""Limits by address cannot be passed by by changing the address within what one customer has."""

import pytest

from backend.security.addresses import counted_as


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
        ("203.0.113.9:4711", "203.0.113.9:4711"),
        ("", "unknown"),
        (None, "unknown"),
        ("x" * 5000, "x" * 64),
    ],
)
def test_an_address_counts_as_its_network(address, expected):
    assert counted_as(address) == expected
