"""Reading what a request brings: strictly, so that a misspelt filter or an unread body is told and not ignored."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE
from webargs.core import missing
from webargs.flaskparser import FlaskParser

from backend.errors import MalformedRequestError, PayloadTooLargeError


class StrictParser(FlaskParser):
    """webargs' parser, except that unknown query parameters are refused and bodies are read by orjson.

    The standard library's JSON reader takes NaN, and fails on deep nesting with an error that is not about its input.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - the base declares it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def _raw_load_json(self, req: Request) -> Any:
        """Return the JSON body, or `missing` where there is no body at all.

        Raises:
            MalformedRequestError: there is a body that is not JSON, or does not say that it is.
            PayloadTooLargeError: it came in chunks, and there are more than are taken.
        """
        body = req.get_data(cache=True)
        most = req.max_content_length
        if req.content_length is None and most is not None and len(body) >= most:  # cut off there without a word
            raise PayloadTooLargeError(f"at most {most} bytes are taken")
        if not body:
            return missing
        if not req.is_json:
            raise MalformedRequestError("the content type is not application/json")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise MalformedRequestError(f"not JSON: {error}") from None


class Blueprint(SmorestBlueprint):
    """flask-smorest's blueprint with the strict parser."""

    ARGUMENTS_PARSER = StrictParser()
