"""Rows of a table, checked one by one: a damaged row is left out, counted and told once; it never breaks an answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from marshmallow import Schema
from marshmallow import ValidationError as SchemaError

from backend.schemas.experiments import DEFAULT_RULES, ExperimentRules, ExperimentSchema

logger = logging.getLogger("jupiter.data")

_MAX_TOLD = 1000


class Rows:
    """Checks rows against a schema.

    Args:
        schema: what a row must be; what it does not know is left out.
        noun: what to call a row in the log.
    """

    def __init__(self, schema: Schema, noun: str) -> None:
        self._schema = schema
        self._noun = noun
        self._told: set[tuple[str, str]] = set()

    def check(self, rows: Sequence[Any]) -> tuple[list[dict[str, Any]], int]:
        """Return the valid rows, as they may be shown, and the number of those left out."""
        valid = []
        for row in rows:
            try:
                valid.append(self._schema.load(row))
            except SchemaError as error:
                self._tell(row, error)
        return valid, len(rows) - len(valid)

    def _tell(self, row: Any, error: SchemaError) -> None:
        name = str(row.get("id") if isinstance(row, dict) else type(row).__name__)[:40]
        faults = ", ".join(sorted(map(str, error.messages_dict)))
        if (name, faults) in self._told or len(self._told) >= _MAX_TOLD:
            return
        self._told.add((name, faults))
        logger.warning("⚠️ Damaged %s %r is left out: %s", self._noun, name, faults)


class ExperimentRows(Rows):
    """Rows of the table experiments."""

    def __init__(self, rules: ExperimentRules = DEFAULT_RULES) -> None:
        super().__init__(ExperimentSchema(rules=rules), "experiment")
