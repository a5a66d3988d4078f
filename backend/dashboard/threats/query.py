"""Which threats are wanted, in which order, and whether a record is one of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from backend.dashboard.threats.merge import news_day
from backend.dashboard.threats.orders import RELEVANCE
from backend.schemas.threats import DEFAULT_LIMIT, DEFAULT_SORT


@dataclass(frozen=True, slots=True)
class ThreatQuery:
    """Filters, order and page; see ThreatQuerySchema."""

    severity: str | None = None
    source: str | None = None
    vendor: str | None = None
    search: str | None = None
    known_exploited: bool | None = None
    ransomware: bool | None = None
    epss_min: float | None = None
    epss_max: float | None = None
    since: date | None = None
    until: date | None = None
    sort: str | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    force_refresh: bool = False

    @property
    def words(self) -> str:
        """What is searched for, without blanks around it."""
        return (self.search or "").strip()

    @property
    def order(self) -> str:
        """The order that is asked for, or the one that goes without saying."""
        if self.sort == RELEVANCE and not self.words:
            return DEFAULT_SORT
        return self.sort or (RELEVANCE if self.words else DEFAULT_SORT)

    @property
    def filters(self) -> bool:
        """Whether anything but a search narrows the list."""
        given = (self.severity, self.source, self.vendor, self.known_exploited, self.ransomware)
        ranges = (self.epss_min, self.epss_max, self.since, self.until)
        return any(value is not None for value in (*given, *ranges))

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a record passes all filters; the search is not one of them."""
        return self._named(record) and self._in_range(record)

    def _named(self, record: Mapping[str, Any]) -> bool:
        if self.severity is not None and record["severity"] != self.severity:
            return False
        if self.source is not None and self.source not in record["sources"]:
            return False
        if self.known_exploited is not None and bool(record["known_exploited"]) != self.known_exploited:
            return False
        if self.ransomware is not None and bool(record["ransomware"]) != self.ransomware:
            return False
        return self.vendor is None or self.vendor.lower() in (record["vendor"] or "").lower()

    def _in_range(self, record: Mapping[str, Any]) -> bool:
        epss = record["epss"]
        if self.epss_min is not None and (epss is None or epss < self.epss_min):
            return False
        if self.epss_max is not None and (epss is None or epss > self.epss_max):
            return False
        if self.since is None and self.until is None:
            return True
        day = news_day(record)
        return day >= (self.since.toordinal() if self.since else 1) and (
            self.until is None or day <= self.until.toordinal()
        )
