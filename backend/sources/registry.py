"""Which sources there are: reads the settings and builds those that are switched on.

To add a source: write its file beside the others, add its name to SOURCES in config/settings.py, and build it here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from backend.config import Settings
from backend.sources import cisa_kev, epss, ghsa, hacker_news, misp, nvd, otx, threatfox, urlhaus
from backend.sources.base import PulseSource, ThreatSource
from backend.sources.cisa_kev import CisaKev
from backend.sources.epss import Epss
from backend.sources.feeds import FeedSource, feed_names
from backend.sources.fetcher import HttpFetcher
from backend.sources.ghsa import Ghsa
from backend.sources.hacker_news import HackerNews
from backend.sources.mastodon import Mastodon, server_names
from backend.sources.misp import Misp
from backend.sources.nvd import Nvd
from backend.sources.otx import Otx
from backend.sources.pace import SECONDS, Pace, slow_domain
from backend.sources.request_rate import RequestRate
from backend.sources.threatfox import Threatfox
from backend.sources.urlhaus import Urlhaus

SIMULATED = " (simulated)"


def threat_sources(settings: Settings, fetcher: HttpFetcher) -> list[ThreatSource]:
    """Return the enabled sources of threats, in the order of trust: of two that know a field, the first is believed.

    Args:
        fetcher: with `guard.timeout_seconds` of the settings as its timeout.
    """
    makers: dict[str, Callable[[], ThreatSource]] = {
        "cisa_kev": lambda: _cisa_kev(settings, fetcher),
        "ghsa": lambda: _ghsa(settings, fetcher),
        "nvd": lambda: _nvd(settings, fetcher),
        "epss": lambda: Epss(fetcher, **_options(settings, "epss", epss.URL, "FIRST EPSS", epss.REFRESH_SECONDS)),
        "misp": lambda: Misp(fetcher, **_keyed(settings, "misp", None, "MISP feed", misp.REFRESH_SECONDS)),
        "urlhaus": lambda: Urlhaus(
            fetcher, **_keyed(settings, "urlhaus", urlhaus.URL, "URLhaus", urlhaus.REFRESH_SECONDS)
        ),
        "threatfox": lambda: Threatfox(
            fetcher, **_keyed(settings, "threatfox", threatfox.URL, "ThreatFox", threatfox.REFRESH_SECONDS)
        ),
        "otx": lambda: Otx(fetcher, **_keyed(settings, "otx", otx.URL, "OTX", otx.REFRESH_SECONDS)),
    }
    return [make() for name, make in makers.items() if name in settings.enabled_sources]


def pulse_sources(settings: Settings, fetcher: HttpFetcher) -> list[PulseSource]:
    """Return the feeds, and Hacker News and Mastodon where they are enabled; arguments as for `threat_sources`."""
    refresh = settings.pulse_refresh_seconds
    sources: list[PulseSource] = [*_feeds(settings, fetcher)]
    if "hacker_news" in settings.enabled_sources:
        sources.append(
            HackerNews(fetcher, **_options(settings, "hacker_news", hacker_news.URL, "Hacker News", refresh))
        )
    if "mastodon" in settings.enabled_sources:
        sources.extend(_mastodon(settings, fetcher))
    return sources


def _feeds(settings: Settings, fetcher: HttpFetcher) -> list[FeedSource]:
    slow = Counter(slow_domain(url) for url in settings.pulse_feeds)
    paces = {domain: Pace(SECONDS[domain]) for domain in slow if domain}
    return [
        FeedSource(
            fetcher,
            url,
            name=name,
            refresh_seconds=settings.pulse_refresh_seconds,
            request_seconds=settings.guard.timeout_seconds,
            pace=paces.get(slow_domain(url) or ""),
            sharing=slow[slow_domain(url)],
        )
        for url, name in feed_names(settings.pulse_feeds).items()
    ]


def _mastodon(settings: Settings, fetcher: HttpFetcher) -> list[Mastodon]:
    """One source for each server; a server of one's own takes the place of all, and it alone is given the key."""
    own = settings.source("mastodon")
    servers = (own.url,) if own.url else settings.mastodon_servers
    return [
        Mastodon(
            fetcher,
            server,
            tags=settings.mastodon_tags,
            name=name,
            setting="JUPITER_SOURCE_MASTODON_URL" if own.url else "JUPITER_MASTODON_SERVERS",
            key=own.key if own.url else None,
            refresh_seconds=own.refresh_seconds or settings.pulse_refresh_seconds,
            request_seconds=settings.guard.timeout_seconds,
        )
        for server, name in server_names(servers).items()
    ]


def _cisa_kev(settings: Settings, fetcher: HttpFetcher) -> CisaKev:
    own = settings.source("cisa_kev")
    # whoever sets an address of their own does not mean GitHub's: then the mirror is theirs too, or there is none
    mirror = own.mirror_url or (None if own.url else cisa_kev.MIRROR_URL)
    options = _options(settings, "cisa_kev", cisa_kev.URL, "CISA KEV", cisa_kev.REFRESH_SECONDS)
    return CisaKev(fetcher, mirror_url=mirror, **options)


def _nvd(settings: Settings, fetcher: HttpFetcher) -> Nvd:
    rate = _rate(settings, "nvd", nvd)
    return Nvd(fetcher, pace=rate, **_keyed(settings, "nvd", nvd.URL, "NVD", nvd.REFRESH_SECONDS))


def _ghsa(settings: Settings, fetcher: HttpFetcher) -> Ghsa:
    rate = _rate(settings, "ghsa", ghsa)
    return Ghsa(fetcher, pace=rate, **_keyed(settings, "ghsa", ghsa.URL, "GitHub advisories", ghsa.REFRESH_SECONDS))


def _rate(settings: Settings, name: str, limits: Any) -> RequestRate | None:
    """Return the limit of the official server; one's own may be asked as often as it likes."""
    own = settings.source(name)
    return None if own.url else RequestRate(limits.WITH_KEY if own.key else limits.WITHOUT_KEY, limits.PACE_SECONDS)


def _keyed(settings: Settings, name: str, url: str | None, title: str, refresh_seconds: float) -> dict[str, Any]:
    return {**_options(settings, name, url, title, refresh_seconds), "key": settings.source(name).key}


def _options(settings: Settings, name: str, url: str | None, title: str, refresh_seconds: float) -> dict[str, Any]:
    own = settings.source(name)
    return {
        "url": own.url or url,
        "title": title + (SIMULATED if settings.demo else ""),
        "refresh_seconds": own.refresh_seconds or refresh_seconds,
        "request_seconds": settings.guard.timeout_seconds,
    }
