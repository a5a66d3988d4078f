"""The application in this process, with a data directory of its own and no upstreams: for tests without sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from backend.app import Jupiter, create_app
from backend.config import Settings

ADMIN_TOKEN = "administrators-token-of-the-tests"


class Site:
    """One application.

    Args:
        folder: its data directory.
        settings: changes to the settings.
    """

    def __init__(self, folder: Path, *, parts: dict[str, Any] | None = None, **settings: Any) -> None:
        options = {"enabled_sources": (), "pulse_feeds": (), "async_mode": "threading", **settings}
        self.settings = Settings(data_dir=folder, admin_token=ADMIN_TOKEN, **options)
        self.app: Flask = create_app(self.settings, **(parts or {}))
        self.jupiter: Jupiter = self.app.extensions["jupiter"]

    def token(self, role: str, *, user: str = "", seconds: float = 3600) -> str:
        """Return a token for a user of that role (by default of the role's own name)."""
        from backend.app import make_tokens

        return make_tokens(self.settings).issue(user or role, role, seconds)

    def client(self, token: str | None = ADMIN_TOKEN) -> FlaskClient:
        """Return a REST client that sends this token."""
        client = self.app.test_client()
        if token is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def browser(self) -> FlaskClient:
        """Return a client that has signed in as the administrator and keeps the cookie."""
        client = self.app.test_client()
        assert client.get(f"/login?token={ADMIN_TOKEN}").status_code == 303
        return client

    def close(self) -> None:
        """Close what is open."""
        self.jupiter.adapters.database.close()
