"""Taking in a file: as a part of a form or as the body itself, written on as it arrives."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from flask import Request, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from backend.errors import DashboardError, MalformedRequestError, PayloadTooLargeError, ValidationError
from backend.scans.spool import Upload

PIECE = 65_536
_FORM = "multipart/form-data"
_FORM_EXTRA = 65_536  # what a form needs around its file


def receive(upload: Upload, max_bytes: int) -> tuple[str, dict[str, str]]:
    """Write the file of the present request to `upload`; return the file's name and the form's other fields.

    Raises:
        PayloadTooLargeError: it has more than `max_bytes`.
        MalformedRequestError: the form cannot be read, or the request ends early.
        ValidationError: there is no file in it.
    """
    length = request.content_length
    if length is not None and length > max_bytes + _FORM_EXTRA:
        raise PayloadTooLargeError(f"{length} bytes; at most {max_bytes} are taken")
    request.max_content_length = max_bytes + _FORM_EXTRA
    try:
        if request.mimetype == _FORM:
            return _form(request, upload)
        _body(request, upload)
    except RequestEntityTooLarge:
        raise PayloadTooLargeError(f"at most {max_bytes} bytes are taken") from None
    except DashboardError:
        raise
    except (HTTPException, OSError, ValueError) as error:
        raise MalformedRequestError(f"the upload broke off: {type(error).__name__}") from None
    if not upload.size:
        raise ValidationError("file", details={"file": ["There is no file in the request."]})
    return _disposition_name(request), {}


def _body(asked: Request, upload: Upload) -> None:
    while piece := asked.stream.read(PIECE):
        upload.write(piece)
    if asked.content_length is not None and upload.size < asked.content_length:
        raise MalformedRequestError("the upload broke off")


def _form(asked: Request, upload: Upload) -> tuple[str, dict[str, str]]:
    names: list[str] = []

    def make_stream(*, filename: str | None = None, **_: Any) -> Any:
        names.append(filename or "")
        if len(names) > 1:
            raise ValidationError("file", details={"file": ["Upload one file at a time."]})
        return upload

    made: Any = make_stream
    parser = FormDataParser(made, max_form_memory_size=_FORM_EXTRA, max_form_parts=20, silent=False)
    _, fields, files = parser.parse(asked.stream, asked.mimetype, asked.content_length, asked.mimetype_params)
    if "file" not in files or not upload.size:
        raise ValidationError("file", details={"file": ["The form needs a part named file that is not empty."]})
    return names[0], {name: values[0] for name, values in fields.lists()}


def _disposition_name(asked: Request) -> str:
    """The name that a sender of a bare body may give in Content-Disposition."""
    header: str = asked.headers.get("Content-Disposition", "")
    _, found, name = header.partition("filename=")
    return unquote(name.strip().strip('"'))[:200] if found else ""
