"""Which sources there are: reads the settings and builds those that are switched on.

To add a source: write its file beside the others, add its name to SOURCES in config.py, and build it here.
"""

from __future__ import annotations

from typing import Any

from backend.config import Settings
from backend.sources import cisa_kev, epss, hacker_news
from backend.sources.base import PulseSource, ThreatSource
from backend.sources.cisa_kev import CisaKev
from backend.sources.epss import Epss
from backend.sources.feeds import FeedSource, feed_names
from backend.sources.fetcher import HttpFetcher
from backend.sources.hacker_news import HackerNews

SIMULATED = " (simulated)"


def threat_sources(settings: Settings, fetcher: HttpFetcher) -> list[ThreatSource]:
    """Return the enabled sources of threats.

    Args:
        fetcher: with `guard.timeout_seconds` of the settings as its timeout.
    """
    enabled = settings.enabled_sources
    sources: list[ThreatSource] = []
    if "cisa_kev" in enabled:
        sources.append(_cisa_kev(settings, fetcher))
    if "epss" in enabled:
        sources.append(Epss(fetcher, **_options(settings, "epss", epss.URL, "FIRST EPSS", epss.REFRESH_SECONDS)))
    return sources


def pulse_sources(settings: Settings, fetcher: HttpFetcher) -> list[PulseSource]:
    """Return the feeds, and Hacker News where it is enabled; arguments as for `threat_sources`."""
    names = feed_names(settings.pulse_feeds)
    refresh, timeout = settings.pulse_refresh_seconds, settings.guard.timeout_seconds
    sources: list[PulseSource] = [
        FeedSource(fetcher, url, name=name, refresh_seconds=refresh, request_seconds=timeout)
        for url, name in names.items()
    ]
    if "hacker_news" in settings.enabled_sources:
        sources.append(
            HackerNews(fetcher, **_options(settings, "hacker_news", hacker_news.URL, "Hacker News", refresh))
        )
    return sources


def _cisa_kev(settings: Settings, fetcher: HttpFetcher) -> CisaKev:
    own = settings.source("cisa_kev")
    # whoever sets an address of their own does not mean GitHub's: then the mirror is theirs too, or there is none
    mirror = own.mirror_url or (None if own.url else cisa_kev.MIRROR_URL)
    options = _options(settings, "cisa_kev", cisa_kev.URL, "CISA KEV", cisa_kev.REFRESH_SECONDS)
    return CisaKev(fetcher, mirror_url=mirror, **options)


def _options(settings: Settings, name: str, url: str, title: str, refresh_seconds: float) -> dict[str, Any]:
    own = settings.source(name)
    return {
        "url": own.url or url,
        "title": title + (SIMULATED if settings.demo else ""),
        "refresh_seconds": own.refresh_seconds or refresh_seconds,
        "request_seconds": settings.guard.timeout_seconds,
    }
