"""Which sources the settings switch on, and where they look."""

from dataclasses import replace

from backend.config import Settings, SourceSettings
from backend.sources.cisa_kev import MIRROR_URL, URL
from backend.sources.registry import pulse_sources, threat_sources
from tests.unit.sources.fakes import ScriptedFetcher

SETTINGS = Settings()


def threats(settings=SETTINGS):
    return {source.name: source for source in threat_sources(settings, ScriptedFetcher({}))}


def with_source(name, **own):
    return replace(SETTINGS, sources={name: SourceSettings(**own)})


def asked(source):
    return source._url, source._mirror_url


def test_by_default_all_sources_are_on():
    assert list(threats()) == ["cisa_kev", "epss"]
    pulse = pulse_sources(SETTINGS, ScriptedFetcher({}))
    assert len(pulse) == len(SETTINGS.pulse_feeds) + 1
    assert len({source.name for source in pulse}) == len(pulse)
    assert pulse[-1].name == "hacker_news"


def test_a_source_that_is_not_named_is_off():
    only_kev = replace(SETTINGS, enabled_sources=("cisa_kev",))
    assert list(threats(only_kev)) == ["cisa_kev"]
    assert all(source.name != "hacker_news" for source in pulse_sources(only_kev, ScriptedFetcher({})))


def test_the_public_catalogue_has_its_public_mirror():
    assert asked(threats()["cisa_kev"]) == (URL, MIRROR_URL)


def test_an_own_address_has_no_mirror_but_an_own_one():
    own = "https://kev.internal/kev.json"
    assert asked(threats(with_source("cisa_kev", url=own))["cisa_kev"]) == (own, None)
    mirrored = with_source("cisa_kev", url=own, mirror_url="https://mirror.internal/")
    assert asked(threats(mirrored)["cisa_kev"]) == (own, "https://mirror.internal/")


def test_times_come_from_the_settings():
    assert threats()["cisa_kev"].refresh_seconds == 3600
    assert threats()["epss"].refresh_seconds == 21_600
    assert threats(with_source("epss", refresh_seconds=0.5))["epss"].refresh_seconds == 0.5
    assert pulse_sources(SETTINGS, ScriptedFetcher({}))[0].refresh_seconds == SETTINGS.pulse_refresh_seconds


def test_only_the_catalogue_is_essential_for_threats():
    assert {name: (s.essential, s.enriches) for name, s in threats().items()} == {
        "cisa_kev": (True, False),
        "epss": (False, True),
    }


def test_in_the_demo_every_title_says_that_it_is_simulated():
    assert threats(replace(SETTINGS, demo=True))["cisa_kev"].title == "CISA KEV (simulated)"
