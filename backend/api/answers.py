"""JSON answers, made by orjson: NaN becomes null, times are ISO 8601."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Flask, Response
from flask.json.provider import JSONProvider


class OrjsonProvider(JSONProvider):
    """orjson as Flask's JSON."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Return JSON text."""
        return orjson.dumps(obj, default=str, option=orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Read JSON text.

        Raises:
            ValueError: it is none.
        """
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a response with the arguments as JSON."""
        return answer(self._prepare_response_obj(args, kwargs))


def install(app: Flask) -> None:
    """Use orjson for everything `app` reads and writes."""
    app.json = OrjsonProvider(app)


def answer(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `payload` as a JSON response."""
    body = orjson.dumps(payload, default=str, option=orjson.OPT_NON_STR_KEYS)
    return raw_answer(body, status, headers)


def raw_answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return JSON that is serialised already."""
    return Response(body, status, headers, content_type="application/json")
