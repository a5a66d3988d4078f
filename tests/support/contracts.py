"""Reading the two machine-readable contracts, and making input that breaks them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """One operation of the OpenAPI document."""

    method: str
    path: str
    query: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, **values: str) -> str:
        """Return the path with its variables filled: those given, else something that does not exist."""
        address = self.path
        for name, schema in self.variables.items():
            unknown = "00000000-0000-4000-8000-000000000000" if schema.get("format") == "uuid" else "no-such-thing"
            address = address.replace("{" + name + "}", values.get(name, unknown))
        return address


def routes(document: dict[str, Any]) -> list[Route]:
    """Return every operation of an OpenAPI document."""
    return [
        _route(document, method, path, operation, item.get("parameters", []))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def _route(document: dict[str, Any], method: str, path: str, operation: dict[str, Any], shared: list[Any]) -> Route:
    parameters = [resolved(document, parameter) for parameter in (*shared, *operation.get("parameters", []))]
    content = resolved(document, operation.get("requestBody", {})).get("content", {})
    # A file is reported row by row, and has tests of its own.
    is_file = {"text/csv", "application/octet-stream"} & content.keys()
    body = None if is_file else next((resolved(document, f["schema"]) for f in content.values()), None)
    return Route(
        method.upper(),
        path,
        {p["name"]: resolved(document, p["schema"]) for p in parameters if p["in"] == "query"},
        {p["name"]: resolved(document, p["schema"]) for p in parameters if p["in"] == "path"},
        body,
    )


def client_events(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the payload schema of every event that a client may send, by its name."""
    messages = document["components"]["messages"]
    return {
        name: resolved(document, messages[name]["payload"])
        for name, operation in document["operations"].items()
        if operation["action"] == "receive"
    }


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references to the schema itself."""
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def kinds(schema: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema takes; none where it does not say."""
    named = schema.get("type", [])
    alternatives = [each for word in ("anyOf", "oneOf", "allOf") for each in schema.get(word, [])]
    return {*([named] if isinstance(named, str) else named), *(kind for each in alternatives for kind in kinds(each))}


def wrong_values(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield JSON values of types that the schema does not take."""
    taken = kinds(schema)
    if taken & {"string"}:
        yield 12345
        yield {"$gt": ""}
    if taken & {"integer", "number"} and "string" not in taken:
        yield "twelve"
        yield {"a": 1}
    if taken & {"boolean"} and "string" not in taken:
        yield "perhaps"
    if taken & {"array"}:
        yield "not a list"
    if taken & {"object"}:
        yield "not an object"
    if "enum" in schema:
        yield "no-such-choice"


def wrong_texts(schema: dict[str, Any]) -> Iterator[str]:
    """Yield query texts that the schema does not take."""
    taken = kinds(schema)
    if taken & {"integer", "number"}:
        yield from ("twelve", "1e999", "NaN", "9" * 400)
    if taken & {"boolean"}:
        yield "perhaps"
    if "enum" in schema:
        yield "no-such-choice"
    if "string" in taken and schema.get("maxLength"):
        yield "x" * (schema["maxLength"] + 1)


def is_error_body(body: Any) -> bool:
    """Tell whether `body` is the standard error body, with nothing of the inside in it."""
    wanted = {"error": str, "error_code": str, "error_id": str, "message": str}
    if not isinstance(body, dict) or not all(isinstance(body.get(name), kind) for name, kind in wanted.items()):
        return False
    inside = ("Traceback", 'File "', "sqlite3", "SELECT ", "INSERT ", "/backend/")
    return not any(word in str(body) for word in inside)
