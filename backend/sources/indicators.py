"""Indicators of compromise, written so that nobody follows or resolves them by accident. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from backend.sources.text import plain

MOST = 100
"""Indicators that one record holds; how many there are in all is told beside them."""
CONTEXT = "context"
"""The use of an indicator that its author gives to understand the matter, not to look for or to block."""
_SCHEME = re.compile(r"^h(?:tt|xx)p(s?)://", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}", re.IGNORECASE)
_ADDRESSES = frozenset(("ip", "ip:port", "domain", "hostname", "url", "email"))


def indicator(kind: str, value: Any) -> dict[str, str] | None:
    """Return `{type, value}` with a defanged value, None where there is none.

    Args:
        kind: ip, ip:port, domain, hostname, url, email, md5, sha1, sha256, filename and the like.
    """
    text = plain(value, 500)
    if not text:
        return None
    if kind in _ADDRESSES:
        return {"type": kind, "value": defang(text)}
    return {"type": kind, "value": text.lower() if _HASH.fullmatch(text) else text}


def defang(value: str) -> str:
    """Return an address that no program takes for one: hxxp, [.] in the host, [@], [://] of other schemes."""
    value = value.replace("[://]", "://")
    scheme = _SCHEME.match(value)
    head = f"hxxp{scheme[1].lower()}://" if scheme else ""
    rest = value[scheme.end() :] if scheme else value
    if not scheme and "://" in rest:
        name, _, rest = rest.partition("://")
        head = f"{name}[://]"
    host, mark, path = rest.partition("/")
    return head + _blunted(host) + mark + path


def _blunted(host: str) -> str:
    plainer = host.replace("[.]", ".").replace("[@]", "@")
    return plainer.replace(".", "[.]").replace("@", "[@]")


def distinct(found: Iterable[dict[str, str] | None]) -> list[dict[str, str]]:
    """Return each indicator once, in its order."""
    known = {(each["type"], each["value"]): each for each in found if each}
    return list(known.values())
