"""Redirects: followed on the same host, refused to any other, and never from a public address to a private one."""

from __future__ import annotations

from ipaddress import ip_address

import httpx

from backend.errors import UpstreamRejectedError

REDIRECTS = frozenset((301, 302, 303, 307, 308))
_DEFAULT_PORTS = {"http": 80, "https": 443}


def next_address(current: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads.

    Raises:
        UpstreamRejectedError: to another host or port, from https to http, or nowhere.
    """
    if not location:
        raise UpstreamRejectedError("redirect without location", message="The server redirects to nowhere.")
    target = current.join(location)
    if target.scheme not in _DEFAULT_PORTS or target.host.lower() != current.host.lower():
        raise UpstreamRejectedError(
            f"redirect to {target}",
            message=f"The server redirects to another host ({target.host or 'none'}), which is not followed.",
        )
    upgraded = current.scheme == "http" and target.scheme == "https"
    if _port(target) != _port(current) and not (upgraded and _port(current) == 80 and _port(target) == 443):
        raise UpstreamRejectedError(
            f"redirect to {target}",
            message=f"The server redirects to another port ({_port(target)}), which is not followed.",
        )
    if current.scheme == "https" and target.scheme == "http":
        raise UpstreamRejectedError(
            f"redirect to {target}", message="The server redirects to an address without encryption."
        )
    return target


def _port(url: httpx.URL) -> int:
    return url.port or _DEFAULT_PORTS[url.scheme]


def peer(response: httpx.Response) -> str | None:
    """Return the address that the answer comes from, None where the transport has none."""
    stream = response.extensions.get("network_stream")
    address = stream.get_extra_info("server_addr") if stream is not None else None
    return str(address[0]) if address else None


def check_address(first: str | None, now: str | None) -> None:
    """Refuse a name that was public at the first hop and is private at this one (DNS rebinding).

    Raises:
        UpstreamRejectedError: it is.
    """
    if first and now and not _is_private(first) and _is_private(now):
        raise UpstreamRejectedError(
            f"from {first} to {now}", message="The server redirects into a private network, which is not followed."
        )


def _is_private(address: str) -> bool:
    try:
        return not ip_address(address.split("%", maxsplit=1)[0]).is_global
    except ValueError:
        return True
