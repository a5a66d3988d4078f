"""Experiments: create, read, update, delete, restore, list, import, export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import Response, g, request

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.experiments.exporting import CONTENT_TYPES, ExperimentExport
from backend.dashboard.experiments.files import read_csv, read_json
from backend.dashboard.experiments.importing import ExperimentImport
from backend.dashboard.experiments.service import ExperimentService
from backend.errors import MalformedRequestError
from backend.schemas.experiments import (
    ExperimentCreateSchema,
    ExperimentExportSchema,
    ExperimentListSchema,
    ExperimentPatchSchema,
    ExperimentQuerySchema,
    ExperimentSchema,
    ImportReportSchema,
)
from backend.security.door import access

_QUEUED = "Accepted while the database is away, marked `queued`; it is written when the database is back."
_FILES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


def blueprint(
    experiments: ExperimentService,
    importing: ExperimentImport,
    exporting: ExperimentExport,
    *,
    max_import_bytes: int,
    note: Callable[..., None],
) -> Blueprint:
    """Return the routes about experiments. Everybody works on their own; administrators see all.

    Args:
        note: writes to the audit log, what administrators do to somebody else's.
    """

    def noted(act: str, told: dict[str, Any]) -> dict[str, Any]:
        owner, person = told.get("user_id"), g.principal.user_id
        if _sees_all() and owner != person:
            note(person, f"{act}_experiment", told["id"], owner=owner)
        return told

    routes = Blueprint("experiments", __name__, url_prefix="/api/experiments", description="One's own experiments")
    rules = experiments.rules

    @routes.route("", methods=["GET"])
    @routes.arguments(ExperimentQuerySchema(rules=rules), location="query")
    @routes.response(200, ExperimentListSchema)
    @access("viewer")
    def list_experiments(query: dict[str, Any]) -> Response:
        """List experiments by filters, a page at a time."""
        return answer(experiments.list(g.principal.user_id, query, all_users=_sees_all()))

    @routes.route("", methods=["POST"])
    @routes.arguments(ExperimentCreateSchema(rules=rules))
    @routes.response(201, ExperimentSchema)
    @routes.alt_response(202, schema=ExperimentSchema, description=_QUEUED)
    @access("analyst")
    def create_experiment(body: dict[str, Any]) -> Response:
        """Create an experiment."""
        made = experiments.create(g.principal.user_id, body)
        return _written(made, 201, {"Location": f"/api/experiments/{made['id']}"})

    @routes.route("/<uuid:experiment_id>", methods=["GET"])
    @routes.response(200, ExperimentSchema)
    @access("viewer")
    def get_experiment(experiment_id: Any) -> Response:
        """Read an experiment."""
        return answer(experiments.get(g.principal.user_id, str(experiment_id), all_users=_sees_all()))

    @routes.route("/<uuid:experiment_id>", methods=["PATCH"])
    @routes.arguments(ExperimentPatchSchema(rules=rules))
    @routes.response(200, ExperimentSchema)
    @routes.alt_response(202, schema=ExperimentSchema, description=_QUEUED)
    @access("analyst")
    def update_experiment(body: dict[str, Any], experiment_id: Any) -> Response:
        """Change the given fields of an experiment."""
        told = experiments.update(g.principal.user_id, str(experiment_id), body, all_users=_sees_all())
        return _written(noted("change", told))

    @routes.route("/<uuid:experiment_id>", methods=["DELETE"])
    @routes.response(200, ExperimentSchema)
    @routes.alt_response(202, schema=ExperimentSchema, description=_QUEUED)
    @access("analyst")
    def delete_experiment(experiment_id: Any) -> Response:
        """Delete an experiment; for 30 days it can be restored."""
        told = experiments.delete(g.principal.user_id, str(experiment_id), all_users=_sees_all())
        return _written(noted("delete", told))

    @routes.route("/<uuid:experiment_id>/restore", methods=["POST"])
    @routes.response(200, ExperimentSchema)
    @routes.alt_response(202, schema=ExperimentSchema, description=_QUEUED)
    @access("analyst")
    def restore_experiment(experiment_id: Any) -> Response:
        """Bring back an experiment that was deleted in the last 30 days."""
        told = experiments.restore(g.principal.user_id, str(experiment_id), all_users=_sees_all())
        return _written(noted("restore", told))

    @routes.route("/export", methods=["GET"])
    @routes.arguments(ExperimentExportSchema(rules=rules), location="query")
    @routes.response(200, content_type="text/csv")
    @access("viewer")
    def export_experiments(query: dict[str, Any]) -> Response:
        """Export the experiments that the list shows with the same filters, as CSV or JSON."""
        pieces, form = exporting.run(g.principal.user_id, query, all_users=_sees_all())
        headers = {"Content-Disposition": f'attachment; filename="experiments.{form}"', "Cache-Control": "no-store"}
        return Response(pieces, 200, headers, content_type=CONTENT_TYPES[form])

    @routes.route("/import", methods=["POST"])
    @routes.doc(**_FILES)
    @routes.response(200, ImportReportSchema)
    @routes.alt_response(202, schema=ImportReportSchema, description=_QUEUED)
    @access("analyst", seconds=120)
    def import_experiments() -> Response:
        """Take in a CSV or JSON file, and report on every row."""
        request.max_content_length = max_import_bytes
        return _written(importing.run(g.principal.user_id, _rows()), 200)

    return routes


def _written(told: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return answer(told, 202 if told.get("queued") else status, headers)


def _rows() -> Iterable[Any]:
    """Read the file that a request brings.

    Raises:
        MalformedRequestError: it is neither CSV nor JSON.
    """
    if request.mimetype == "text/csv":
        return read_csv(_lines())
    if request.is_json:
        return read_json(request.get_data(cache=False))
    raise MalformedRequestError("the content type is neither text/csv nor application/json")


def _lines() -> Iterator[bytes]:
    """The body line by line, as it arrives."""
    while line := request.stream.readline():
        yield line


def _sees_all() -> bool:
    return bool(g.principal.reaches("administrator"))
