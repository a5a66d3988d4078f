"""Giving experiments out by the file: exactly those that the list shows with the same filters, in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from backend.dashboard.experiments.files import write_csv, write_json
from backend.dashboard.experiments.service import ExperimentService
from backend.schemas.experiments import ExperimentExportSchema
from backend.schemas.loading import load
from backend.storage.database import Row

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class ExperimentExport:
    """Writes files."""

    def __init__(self, experiments: ExperimentService) -> None:
        self._experiments = experiments
        self._query = ExperimentExportSchema(rules=experiments.rules)

    def run(self, user_id: str, query: Mapping[str, Any], *, all_users: bool = False) -> tuple[Iterator[bytes], str]:
        """Return a file in pieces and its format, csv or json.

        The first page is read before this returns: an error then is still an error and not a file cut short.

        Raises:
            ValidationError: the query is wrong.
            DatabaseError: the experiments could not be read.
        """
        wanted = load(self._query, query)
        pages = self._pages(user_id, wanted, all_users)
        whole = chain([next(pages)], pages)
        return (write_json if wanted["format"] == "json" else write_csv)(whole), wanted["format"]

    def _pages(self, user_id: str, wanted: Mapping[str, Any], all_users: bool) -> Iterator[list[Row]]:
        cursor = None
        while True:
            page, cursor = self._experiments.page(user_id, wanted, cursor, all_users=all_users)
            yield page
            if cursor is None:
                return
