"""Whose an address is, for limits that count by address."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_PREFIX = 64  # the least that one customer is given (RFC 6177); who has it comes from 2**64 addresses
_LONGEST = 64


@lru_cache(4096)
def counted_as(address: str | None) -> str:
    """Return what a client's address counts as: itself with IPv4, its network of 64 bits with IPv6.

    What is no address (a proxy may say `unknown`) counts as it is written.
    """
    try:
        known = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return (address or "unknown")[:_LONGEST]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((known, _PREFIX), strict=False))
