"""The orders in which threats can be listed. Pure.

Each order is a key of three: two numbers, the smaller first, and the id, so that no two records are equal and a page
can go on where the one before ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from backend.dashboard.threats.merge import news_day, sort_key

Key = tuple[float, float, str]
_Order = Callable[[Mapping[str, Any]], Key]


def _priority(record: Mapping[str, Any]) -> Key:
    return -record["priority"], -news_day(record), record["id"]


def _epss(record: Mapping[str, Any]) -> Key:
    return -_known(record["epss"]), -news_day(record), record["id"]


def _cvss(record: Mapping[str, Any]) -> Key:
    cvss = record["cvss"]
    return -_known(cvss["score"] if cvss else None), -news_day(record), record["id"]


def _updated(record: Mapping[str, Any]) -> Key:
    told = record["updated"]
    return -(datetime.fromisoformat(told).timestamp() if told else 0.0), -news_day(record), record["id"]


def _due(record: Mapping[str, Any]) -> Key:
    told = record["due_date"]
    return (float(told.replace("-", "")[:8]) if told else 99_999_999.0), -news_day(record), record["id"]


def _known(number: float | None) -> float:
    return -1.0 if number is None else number


ORDERS: Mapping[str, _Order] = {
    "newest": sort_key,
    "priority": _priority,
    "epss": _epss,
    "cvss": _cvss,
    "updated": _updated,
    "due": _due,
}
RELEVANCE = "relevance"
"""The order of a search: how well the words fit. It is not one of the records alone."""
