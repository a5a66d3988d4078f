"""The one table from errors to HTTP answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response, g, render_template, request
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from backend.api.answers import answer
from backend.errors import (
    AuthenticationError,
    DashboardError,
    ForbiddenError,
    MalformedRequestError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitedError,
    ValidationError,
)
from backend.resilience.responses import DashboardErrorHandler
from backend.schemas.errors import ErrorSchema
from backend.schemas.loading import clean_details


class MethodNotAllowedError(NotFoundError):
    """An address that is there, asked with a method that it does not take."""

    status = 405
    public_message = "This address does not take that method."
    suggestion = "The document at /api/openapi.json lists the methods of every address."


_BY_STATUS: dict[int, type[DashboardError]] = {
    400: MalformedRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    413: PayloadTooLargeError,
    415: MalformedRequestError,
    422: ValidationError,
    429: RateLimitedError,
}


class JupiterApi(Api):
    """flask-smorest with our error body in its document."""

    ERROR_SCHEMA = ErrorSchema


def install(app: Flask, handler: DashboardErrorHandler, to_sign_in: Callable[[], Response]) -> None:
    """Answer every error of `app` with the standard body, as JSON under /api and as a page elsewhere.

    Called after flask-smorest is set up, whose handler of HTTPException it replaces.

    Args:
        handler: makes the bodies and records the errors.
        to_sign_in: answers a person who follows a link without being signed in.
    """

    def answer_error(error: BaseException) -> Response:
        if isinstance(error, AuthenticationError) and wants_page(request) and request.method == "GET":
            return to_sign_in()
        body, status = handler.handle_error(error, _context())
        if "details" in body:
            body["details"] = clean_details(body["details"])
        headers = {"Retry-After": str(math.ceil(body["retry_after"]))} if body.get("retry_after") else {}
        if status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="jupiter"'
        if wants_page(request):
            return Response(render_template("error.html", **body, status=status), status, headers)
        return answer(body, status, headers)

    def answer_http(error: HTTPException) -> Any:
        if error.code is not None and error.code < 400:
            return error.get_response()  # a redirect
        return answer_error(from_http(error))

    app.register_error_handler(Exception, answer_error)
    app.register_error_handler(HTTPException, answer_http)


def from_http(error: HTTPException) -> BaseException:
    """Return the error of ours that says what an HTTP exception says."""
    code = error.code or 500
    original = getattr(error, "original_exception", None)
    if isinstance(original, Exception):
        return original
    if code >= 500:
        return error
    return _BY_STATUS.get(code, MalformedRequestError)(details=_details(error))


def _details(error: HTTPException) -> Any:
    """The field errors that webargs hangs on its exceptions."""
    data = getattr(error, "data", None)
    return data.get("messages") if isinstance(data, dict) else None


def wants_page(asked: Request) -> bool:
    """Tell whether the request comes from a person following a link, outside /api."""
    if asked.path.startswith(("/api", "/socket.io", "/metrics", "/livez", "/readyz")):
        return False
    return asked.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _context() -> dict[str, Any]:
    principal = g.get("principal")
    return {
        "endpoint": request.path,
        "user_id": principal.user_id if principal else None,
        "params": {**request.args.to_dict(), **(request.view_args or {})},
        "request_id": g.get("request_id"),
    }
