"""Experiments: create, read, update, list."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.experiments import ExperimentService
from backend.schemas.experiments import (
    ExperimentCreateSchema,
    ExperimentListSchema,
    ExperimentPatchSchema,
    ExperimentQuerySchema,
    ExperimentSchema,
)
from backend.security.door import access


def blueprint(experiments: ExperimentService) -> Blueprint:
    """Return the routes about experiments. Everybody works on their own; administrators see all."""
    routes = Blueprint("experiments", __name__, url_prefix="/api/experiments", description="One's own experiments")

    @routes.route("", methods=["GET"])
    @routes.arguments(ExperimentQuerySchema(), location="query")
    @routes.response(200, ExperimentListSchema)
    @access("viewer")
    def list_experiments(query: dict[str, Any]) -> Response:
        """List experiments by filters, a page at a time."""
        return answer(experiments.list(g.principal.user_id, query, all_users=_sees_all()))

    @routes.route("", methods=["POST"])
    @routes.arguments(ExperimentCreateSchema())
    @routes.response(201, ExperimentSchema)
    @access("analyst")
    def create_experiment(body: dict[str, Any]) -> Response:
        """Create an experiment."""
        made = experiments.create(g.principal.user_id, body)
        return answer(made, 201, {"Location": f"/api/experiments/{made['id']}"})

    @routes.route("/<uuid:experiment_id>", methods=["GET"])
    @routes.response(200, ExperimentSchema)
    @access("viewer")
    def get_experiment(experiment_id: Any) -> Response:
        """Read an experiment."""
        return answer(experiments.get(g.principal.user_id, str(experiment_id), all_users=_sees_all()))

    @routes.route("/<uuid:experiment_id>", methods=["PATCH"])
    @routes.arguments(ExperimentPatchSchema())
    @routes.response(200, ExperimentSchema)
    @access("analyst")
    def update_experiment(body: dict[str, Any], experiment_id: Any) -> Response:
        """Change the given fields of an experiment."""
        changed = experiments.update(g.principal.user_id, str(experiment_id), body, all_users=_sees_all())
        return answer(changed)

    return routes


def _sees_all() -> bool:
    return bool(g.principal.reaches("administrator"))
