"""Reading a body as what it should be, and saying what it is instead. Pure: runs in a native thread."""

from __future__ import annotations

from typing import Any

import orjson

from backend.sources.body import DocumentError

_BOM = b"\xef\xbb\xbf"
_PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")


def looks_like_web_page(body: bytes) -> bool:
    """Tell whether a body is an HTML page (a sign-in, an error page, a network's captive portal)."""
    return body.removeprefix(_BOM)[:512].lstrip().lower().startswith(_PAGE_STARTS)


def load_json(body: bytes) -> Any:
    """Return the value of a JSON document.

    Raises:
        DocumentError: it is something else.
    """
    if looks_like_web_page(body):
        raise DocumentError("HTML where JSON was expected", message="The server answered with a web page, not JSON.")
    content = body.removeprefix(_BOM).strip()
    if not content:
        raise DocumentError("empty body", message="The server answered with nothing.")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DocumentError(
            f"not JSON: {error}", message="The answer is not valid JSON: it is damaged or cut off."
        ) from None


def expect_object(value: Any, what: str) -> dict[str, Any]:
    """Return `value` where it is a JSON object.

    Raises:
        DocumentError: it is not; the text names `what` it should be.
    """
    if not isinstance(value, dict):
        raise DocumentError(
            f"{type(value).__name__} where an object was expected", message=f"The answer is JSON, but not {what}."
        )
    return value
