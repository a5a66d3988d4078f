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


def test_by_default_all_sources_are_on_in_the_order_of_trust():
    assert list(threats()) == ["cisa_kev", "ghsa", "nvd", "epss", "misp", "urlhaus", "threatfox", "otx"]
    pulse = pulse_sources(SETTINGS, ScriptedFetcher({}))
    assert len({source.name for source in pulse}) == len(pulse)
    assert [source.name for source in pulse if not source.name.startswith("feed:")] == [
        "hacker_news",
        "mastodon:infosec.exchange",
        "mastodon:mastodon.social",
    ]
    assert len(pulse) == len(SETTINGS.pulse_feeds) + 3


def test_a_source_that_is_not_named_is_off():
    only_kev = replace(SETTINGS, enabled_sources=("cisa_kev",))
    assert list(threats(only_kev)) == ["cisa_kev"]
    assert all(source.name.startswith("feed:") for source in pulse_sources(only_kev, ScriptedFetcher({})))


def test_a_mastodon_server_of_ones_own_takes_the_place_of_all_and_alone_is_given_the_key():
    settings = with_source("mastodon", url="https://social.internal/", key="secret", refresh_seconds=60.0)
    (one,) = [source for source in pulse_sources(settings, ScriptedFetcher({})) if source.name.startswith("mastodon")]
    assert (one.name, one.title, one.setting, one.refresh_seconds) == (
        "mastodon:social.internal",
        "Mastodon social.internal",
        "JUPITER_SOURCE_MASTODON_URL",
        60.0,
    )
    assert one._headers["Authorization"] == "Bearer secret"
    public = pulse_sources(with_source("mastodon", key="secret"), ScriptedFetcher({}))
    assert all("Authorization" not in source._headers for source in public if source.name.startswith("mastodon"))


def test_feeds_of_a_slow_server_share_one_pace_and_are_asked_so_much_seldomer():
    slow = tuple(f"https://www.reddit.com/r/{name}/.rss" for name in ("a", "b", "c"))
    settings = replace(SETTINGS, pulse_feeds=(*slow, "https://quick.example/rss"), pulse_refresh_seconds=100.0)
    *three, quick = [s for s in pulse_sources(settings, ScriptedFetcher({})) if s.name.startswith("feed:")]
    assert len({id(source._pace) for source in three}) == 1
    assert [source.refresh_seconds for source in three] == [180.0] * 3
    assert all(source.timeout_seconds > 180 for source in three)
    assert (quick._pace, quick.refresh_seconds) == (None, 100.0)


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


def test_what_works_without_settings_and_names_threats_is_essential():
    essential = {name for name, source in threats().items() if source.essential}
    assert essential == {"cisa_kev", "ghsa", "nvd"}
    assert {name for name, source in threats().items() if source.enriches} == {"epss"}


def test_what_lacks_a_key_or_an_address_says_which():
    assert {name: source.needs for name, source in threats().items() if getattr(source, "needs", "")} == {
        "misp": "JUPITER_SOURCE_MISP_URL",
        "urlhaus": "JUPITER_SOURCE_URLHAUS_KEY",
        "threatfox": "JUPITER_SOURCE_THREATFOX_KEY",
        "otx": "JUPITER_SOURCE_OTX_KEY",
    }
    assert threats(with_source("otx", key="secret"))["otx"].needs == ""
    assert threats(with_source("misp", url="https://misp.internal/feed"))["misp"].needs == ""


def test_githubs_own_server_is_asked_at_its_pace_and_ones_own_at_any():
    assert (threats()["ghsa"]._pace.requests, threats()["ghsa"]._pace.seconds) == (60, 3600)
    assert threats(with_source("ghsa", key="k"))["ghsa"]._pace.requests == 5000
    assert threats(with_source("ghsa", url="https://hub.internal/"))["ghsa"]._pace is None


def test_the_official_nvd_is_asked_at_its_pace_and_ones_own_at_any():
    assert (threats()["nvd"]._pace.requests, threats()["nvd"]._pace.seconds) == (5, 30)
    assert threats(with_source("nvd", key="k"))["nvd"]._pace.requests == 50
    assert threats(with_source("nvd", url="https://nvd.internal/"))["nvd"]._pace is None


def test_in_the_demo_every_title_says_that_it_is_simulated():
    assert threats(replace(SETTINGS, demo=True))["cisa_kev"].title == "CISA KEV (simulated)"
