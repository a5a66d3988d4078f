"""Experiments as files: CSV and JSON, in and out.

A cell of CSV that begins like a formula is written with an apostrophe before it, because spreadsheets run formulas
(https://owasp.org/www-community/attacks/CSV_Injection); reading takes it away again.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from backend.errors import MalformedRequestError, PayloadTooLargeError, ValidationError
from backend.storage.database import Row

COLUMNS = (
    "id",
    "user_id",
    "name",
    "description",
    "experiment_type",
    "status",
    "parameters",
    "created_at",
    "updated_at",
)
READ = (*COLUMNS, "deleted_at", "queued")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MAX_ROWS = 10_000
MAX_CELL = 131_072


def read_csv(lines: Iterable[bytes]) -> Iterator[Any]:
    """Yield the rows of a CSV file with a header, as mappings; what cannot be read as one is yielded as it is.

    Raises:
        ValidationError: the header lacks a column or has one that nobody knows.
        MalformedRequestError: it is not CSV in UTF-8.
        PayloadTooLargeError: there are more rows than allowed.
    """
    try:
        csv.field_size_limit(MAX_CELL)
        reader = csv.reader(_texts(lines), strict=True)
        header = [name.strip() for name in next(reader, [])]
        _check_header(header)
        for number, cells in enumerate(filter(None, reader), 1):
            _check_count(number)
            yield _row(header, cells)
    except csv.Error as error:
        raise MalformedRequestError(f"not CSV: {error}") from None


def read_json(body: bytes) -> Iterator[Any]:
    """Yield the rows of a JSON file: a list of objects, or an export's object with them under `experiments`.

    Raises:
        MalformedRequestError: it is not JSON, or neither of these.
        PayloadTooLargeError: there are more rows than allowed.
    """
    try:
        told = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise MalformedRequestError(f"not JSON: {error}") from None
    rows = told.get("experiments") if isinstance(told, dict) else told
    if not isinstance(rows, list):
        raise ValidationError("not a list of experiments", details={"_schema": ["A list of objects is wanted."]})
    _check_count(len(rows))
    yield from rows


def write_csv(pages: Iterable[Iterable[Row]]) -> Iterator[bytes]:
    """Yield a CSV file with a header, a page of rows at a time."""
    yield _csv([COLUMNS])
    for page in pages:
        yield _csv([_cell(row.get(name)) for name in COLUMNS] for row in page)


def write_json(pages: Iterable[Iterable[Row]]) -> Iterator[bytes]:
    """Yield a JSON file: a list of objects, a page of rows at a time."""
    between = b"[\n"
    for page in pages:
        for row in page:
            yield between + orjson.dumps({name: row.get(name) for name in COLUMNS})
            between = b",\n"
    yield b"\n]\n" if between == b",\n" else b"[]\n"


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        try:
            text = line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError:
            raise MalformedRequestError(f"line {number + 1} is not UTF-8") from None
        if "\0" in text:
            raise MalformedRequestError(f"line {number + 1} has a null character")
        yield text


def _check_header(header: list[str]) -> None:
    missing = [name for name in ("name", "experiment_type") if name not in header]
    unknown = [name[:60] for name in header if name not in READ]
    twice = sorted({name for name in header if header.count(name) > 1})
    for fault, names in (("Missing columns", missing), ("Unknown columns", unknown), ("Named twice", twice)):
        if names:
            raise ValidationError("the header is wrong", details={"header": [f"{fault}: {', '.join(names)}."]})


def _check_count(number: int) -> None:
    if number > MAX_ROWS:
        raise PayloadTooLargeError(f"more than {MAX_ROWS} rows")


def _row(header: list[str], cells: list[str]) -> Any:
    if len(cells) != len(header):
        return cells
    given: Mapping[str, str] = {
        name: _plain(cell) for name, cell in zip(header, cells, strict=True) if cell.strip() or name == "name"
    }
    return {**given, **_parameters(given)}


def _parameters(given: Mapping[str, str]) -> dict[str, Any]:
    if "parameters" not in given:
        return {}
    try:
        return {"parameters": orjson.loads(given["parameters"])}
    except orjson.JSONDecodeError:
        return {}  # stays text, which the schema refuses by its name


def _plain(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _is_formula(cell) else cell


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Also behind apostrophes: of those reading takes one away, which must not be one of the text's own."""
    return text.lstrip("'").startswith(FORMULA)


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
