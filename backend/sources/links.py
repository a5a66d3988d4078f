"""Links: only those a browser may follow, and one form for the same page however it was shared. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"(?:utm_.*|pk_.*|mtm_.*|wt_.*|mc_[ce]id|fbclid|gclid|dclid|msclkid|yclid|igshid|_hs(?:enc|mi)|cmpid|ocid|at_.*|"
    r"ito|ref_src|spm|xtor|smid|guccounter)",
    re.IGNORECASE,
)
_LONGEST = 2000


def web_link(value: Any, base: str = "") -> str | None:
    """Return an absolute http or https address without tracking parameters and fragment, None for all else."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        parts = urlsplit(urljoin(base, value.strip()) if base else value.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:  # also for a port that is none
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username or len(value) > _LONGEST:
        return None
    query = parts.query and urlencode(
        [pair for pair in parse_qsl(parts.query, True) if not _TRACKING.fullmatch(pair[0])]
    )
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", query, ""))


def link_key(link: str) -> str:
    """Return the same key for the same page: scheme, www., a closing slash and the order of parameters do not count."""
    parts = urlsplit(link)
    host = (parts.hostname or "").removeprefix("www.")
    port = f":{parts.port}" if parts.port and parts.port not in (80, 443) else ""
    query = urlencode(sorted(parse_qsl(parts.query, True)))
    return _hashed(f"{host}{port}{parts.path.rstrip('/')}?{query}")


def text_key(*texts: str) -> str:
    """Return a key for something that has no link."""
    return _hashed("\n".join(texts))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
