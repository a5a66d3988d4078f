"""What every template may use: asset(), version, demo, user, csrf_token."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, g, session, url_for

from backend.security.principals import Principal

VERSION = "0.1.0"


def install(app: Flask, static: Path, *, demo: bool, websocket_only: bool = False) -> None:
    """Give the templates of `app` their context.

    Args:
        static: the folder of static files, whose content gives each address its version.
        demo: whether the upstreams are simulated, which every page says.
        websocket_only: whether sockets cannot fall back to polling.
    """

    @lru_cache(maxsize=512)
    def digest(path: str) -> str:
        return hashlib.sha256((static / path).read_bytes()).hexdigest()[:10]

    def asset(path: str) -> str:
        return url_for("static", filename=path, v=digest(path))

    def context() -> dict[str, Any]:
        principal = g.get("principal")
        user = _shown(principal) if principal else None
        csrf_token = session.get("csrf", "") if principal and principal.by_cookie else ""
        return {
            "asset": asset,
            "version": VERSION,
            "demo": demo,
            "user": user,
            "csrf_token": csrf_token,
            "websocket_only": websocket_only,
        }

    app.context_processor(context)


def _shown(principal: Principal) -> dict[str, str]:
    return {"id": principal.user_id, "name": principal.name or principal.user_id, "role": principal.role}
