"""Scans: upload, list, read, findings, export, cancel, join anew, delete."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, g, stream_with_context

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.api.uploads import receive
from backend.dashboard.scans.export import as_csv, as_json
from backend.dashboard.scans.service import ScanService
from backend.schemas.loading import load
from backend.schemas.scans import (
    FindingExportQuery,
    FindingListQuery,
    FindingListSchema,
    ScanListQuery,
    ScanListSchema,
    ScanSchema,
    ScanUploadQuery,
)
from backend.security.door import access

_upload_query = ScanUploadQuery()
_UPLOAD = {
    "requestBody": {
        "description": "The report: as the part `file` of a form (with `name` and `format` beside it), or as the body.",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def blueprint(scans: ScanService) -> Blueprint:
    """Return the routes about scans. Everybody sees their own only."""
    routes = Blueprint("scans", __name__, url_prefix="/api/scans", description="Reports of scanners, one's own")

    @routes.route("", methods=["GET"])
    @routes.arguments(ScanListQuery(), location="query")
    @routes.response(200, ScanListSchema)
    @access("viewer")
    def list_scans(query: dict[str, Any]) -> Response:
        """List scans, the newest first."""
        return answer(scans.list(g.principal.user_id, query))

    @routes.route("", methods=["POST"])
    @routes.arguments(ScanUploadQuery(), location="query")
    @routes.doc(**_UPLOAD)
    @routes.response(201, ScanSchema)
    @access("analyst", limit="uploads", seconds=600)  # a large report on a slow line
    def upload_scan(query: dict[str, Any]) -> Response:
        """Upload a report; it is worked off in the background."""
        user = g.principal.user_id
        scan_id, upload = scans.begin(user)
        try:
            filename, fields = receive(upload, scans.max_bytes)
            said = {**load(_upload_query, fields), **query}
        except BaseException:
            upload.abort()
            raise
        made = scans.accept(
            user, scan_id, upload, name=said.get("name", ""), filename=_plain(filename), format=said.get("format", "")
        )
        return answer(made, 201, {"Location": f"/api/scans/{made['id']}"})

    @routes.route("/<uuid:scan_id>", methods=["GET"])
    @routes.response(200, ScanSchema)
    @access("viewer")
    def get_scan(scan_id: Any) -> Response:
        """Read a scan."""
        return answer(scans.get(g.principal.user_id, str(scan_id)))

    @routes.route("/<uuid:scan_id>", methods=["DELETE"])
    @routes.response(204)
    @access("analyst")
    def delete_scan(scan_id: Any) -> Response:
        """Delete a scan with its findings; one that runs is stopped."""
        scans.delete(g.principal.user_id, str(scan_id))
        return Response(status=204)

    @routes.route("/<uuid:scan_id>/cancel", methods=["POST"])
    @routes.response(200, ScanSchema)
    @access("analyst")
    def cancel_scan(scan_id: Any) -> Response:
        """Stop a scan; what was found so far stays."""
        return answer(scans.cancel(g.principal.user_id, str(scan_id)))

    @routes.route("/<uuid:scan_id>/rescan", methods=["POST"])
    @routes.response(202, ScanSchema)
    @access("analyst")
    def rescan(scan_id: Any) -> Response:
        """Join what was found with what is known today."""
        return answer(scans.rescan(g.principal.user_id, str(scan_id)), 202)

    _add_findings(routes, scans)
    return routes


def _add_findings(routes: Blueprint, scans: ScanService) -> None:
    @routes.route("/<uuid:scan_id>/findings", methods=["GET"])
    @routes.arguments(FindingListQuery(), location="query")
    @routes.response(200, FindingListSchema)
    @access("viewer")
    def list_findings(query: dict[str, Any], scan_id: Any) -> Response:
        """List findings: known-exploited ones first, then by priority."""
        return answer(scans.findings(g.principal.user_id, str(scan_id), query))

    @routes.route("/<uuid:scan_id>/findings/export", methods=["GET"])
    @routes.arguments(FindingExportQuery(), location="query")
    @routes.response(200, content_type="text/csv")
    @access("viewer")
    def export_findings(query: dict[str, Any], scan_id: Any) -> Response:
        """Export all findings that the filters find, as CSV or JSON."""
        kind = query.pop("format")
        scan, findings = scans.export(g.principal.user_id, str(scan_id), query)
        body = as_csv(findings) if kind == "csv" else as_json(scan, findings)
        headers = {"Content-Disposition": f'attachment; filename="findings-{scan_id}.{kind}"'}
        content_type = "text/csv; charset=utf-8" if kind == "csv" else "application/json"
        return Response(stream_with_context(body), 200, headers, content_type=content_type)


def _plain(filename: str) -> str:
    """A file's name without folders and without what a name does not need."""
    return re.sub(r"[^\w .()+-]", "", re.split(r"[\\/]", filename)[-1])[:200].strip()
