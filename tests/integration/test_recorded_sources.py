"""Every recorded file of threats through the real way: over HTTP from loopback, by the source that reads it."""

import json

import pytest

from backend.sources.cisa_kev import CisaKev
from backend.sources.epss import Epss
from backend.sources.fetcher import HttpFetcher, new_client
from backend.sources.ghsa import Ghsa
from backend.sources.misp import Misp
from backend.sources.misp_answers import parse_event, parse_hashes
from backend.sources.nvd import Nvd
from tests.integration import lying_server as lies
from tests.support.requirements import require_data

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def data():
    return require_data()


@pytest.fixture
def fetcher():
    with new_client() as client:
        yield HttpFetcher(client, timeout=5.0)


@pytest.fixture
def serve():
    """Returns what puts a body behind an address, and returns that."""
    with lies.Server({}) as server:

        def put(path, body):
            server.answers[path] = lies.reply(body)
            return server.url + path

        yield put


def all_of(source):
    """Everything that a source gives, fetch after fetch, as the service asks it."""
    fragments, skipped, known = {}, 0, None
    for _ in range(20):
        batch = source.fetch(previous=known)
        fragments.update(batch.fragments)
        skipped += batch.skipped
        known = batch.validators
        if batch.again_in is None:
            return fragments, skipped
    raise AssertionError("it goes on for ever")


def texts_of(record):
    """All texts of a record, also those in its lists."""
    values = [part for value in record.values() for part in (value if isinstance(value, list) else [value])]
    return [value for value in values if isinstance(value, str)]


@pytest.mark.parametrize(
    ("name", "counts"), [("kev-2025-08-25.json", (293, 42, 152, 15)), ("kev-2026-07-15.json", (329, 62, 171, 0))]
)
def test_both_catalogues_are_read_whole(data, serve, fetcher, name, counts):
    url = serve("/kev", (data / "kev" / name).read_bytes())
    batch = CisaKev(fetcher, url=url, mirror_url=None).fetch()
    found = batch.fragments.values()
    given = json.loads((data / "kev" / name).read_text())["vulnerabilities"]
    assert (len(batch.fragments), batch.skipped) == (len(given), 0)
    assert len(given) == (1404 if "2025" in name else 1644)
    assert sum(bool(each["ransomware"]) for each in found) == sum(
        each["knownRansomwareCampaignUse"] == "Known" for each in given
    )
    with_blanks = sum(any(text != text.strip() for text in texts_of(each)) for each in given)
    assert not any(text != text.strip() for each in found for text in texts_of(each))
    ransomware = sum(bool(each["ransomware"]) for each in found)
    without_cwes = sum(not each["cwes"] for each in found)
    due_before_added = sum(each["due_date"] < each["date_added"] for each in found)
    assert (ransomware, with_blanks, without_cwes, due_before_added) == counts
    for each in given:
        read = batch.fragments[each["cveID"]]
        assert (read["date_added"], read["due_date"]) == (each["dateAdded"], each["dueDate"])
        assert read["vendor"] == " ".join(each["vendorProject"].split())


def test_every_file_of_the_nvd_is_read_to_its_last_record(data, serve, fetcher):
    for path in sorted((data / "nvd").glob("*.json")):
        given = json.loads(path.read_text())
        ids = [each["cve"]["id"] for each in given.get("vulnerabilities", [given])]
        fragments, skipped = all_of(Nvd(fetcher, url=serve(f"/{path.name}", path.read_bytes())))
        assert sorted(fragments) == sorted(ids), path.name
        assert skipped == 0
        for name, each in fragments.items():
            assert each["summary"], name
            assert each["published"], name
            assert each["updated"].endswith("+00:00"), name
    assert len(json.loads((data / "nvd" / "vunnel-full-page.json").read_text())["vulnerabilities"]) == 38


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("CVE-2014-1424.json", ("2.0", 6.4, True)),
        ("CVE-2017-5638-cvssv3-rating.json", ("3.0", 10.0, True)),
        ("CVE-2017-5638-cvssv4-rating.json", ("4.0", 10.0, True)),
        ("CVE-2022-0090.json", ("3.1", 6.5, True)),
        ("CVE-2023-5341.json", ("3.1", 6.2, False)),
    ],
)
def test_scores_of_every_version_are_read_and_the_primary_one_is_preferred(data, serve, fetcher, name, score):
    url = serve("/nvd", (data / "nvd" / name).read_bytes())
    (read,) = Nvd(fetcher, url=url).fetch().fragments.values()
    assert (read["cvss"]["version"], read["cvss"]["score"], read["cvss"]["primary"]) == score


def test_the_page_of_advisories_is_read_whole_with_its_aliases_and_without_scores_that_nobody_gave(
    data, serve, fetcher
):
    body = (data / "ghsa" / "rest-advisories-2026-02.json").read_bytes()
    fragments, skipped = all_of(Ghsa(fetcher, url=serve("/ghsa", body)))
    given = {each["ghsa_id"].upper(): each for each in json.loads(body)}
    assert (set(fragments), skipped) == (set(given), 0)
    for name, each in fragments.items():
        assert each["aliases"] == [given[name]["cve_id"]]
        scored = [s for s in given[name]["cvss_severities"].values() if s["vector_string"]]
        assert each["cvss"]["score"] == scored[-1]["score"] > 0


def test_the_feed_of_events_is_read_with_the_attributes_of_its_objects(data, serve, fetcher):
    folder = data / "misp" / "feed"
    for path in folder.iterdir():
        serve(f"/feed/{path.name}", path.read_bytes())
    fragments, skipped = all_of(
        Misp(fetcher, url=serve("/feed/manifest.json", (folder / "manifest.json").read_bytes()))
    )
    assert (len(fragments), skipped) == (7, 0)
    assert {each["title"] for each in fragments.values()} >= {"CloudMensis", "PowerPool blogpost"}
    winter = next(each for each in fragments.values() if each["title"].startswith("Winter Vivern"))
    assert winter["related"] == ["CVE-2023-5631"]
    assert {"type": "url", "value": "hxxps://recsecas[.]com/controlserver/checkupdate.js"} in winter["indicators"]
    hashes = parse_hashes((folder / "hashes.csv").read_bytes())
    events = [parse_event(path.read_bytes(), hashes) for path in folder.glob("*-*.json")]
    assert sum(len(event.attributes) for event in events) == 235 == len((folder / "hashes.csv").read_text().split())
    assert sum(event.missing for event in events) == 0
    assert {len(event.attributes) for event in events} == {22, 18, 20, 24, 71, 67, 13}


def test_an_event_that_lacks_what_the_feed_promises_is_told(data):
    folder = data / "misp" / "feed"
    body = json.loads((folder / "5b8d9d33-ccf0-4fd9-82dc-7dbc0a016219.json").read_text())
    body["Event"]["Attribute"] = body["Event"]["Attribute"][:10]
    assert parse_event(json.dumps(body).encode(), parse_hashes((folder / "hashes.csv").read_bytes())).missing == 8


def test_the_records_of_the_cve_programme_are_read_with_what_cisa_adds(data, serve, fetcher):
    body = (data / "cve5" / "vulnrichment-kev.jsonl").read_bytes()
    fragments, skipped = all_of(Nvd(fetcher, url=serve("/cve5", body)))
    given = [json.loads(line) for line in body.splitlines()]
    assert (len(fragments), skipped) == (199, 0)
    assert set(fragments) == {each["cveMetadata"]["cveId"] for each in given}
    assert all(each["known_exploited"] and each["date_added"] for each in fragments.values())
    assert all(any(tag.startswith("exploitation: ") for tag in each["tags"]) for each in fragments.values())
    with_score = sum(b"cvssV" in line for line in body.splitlines())
    assert sum(each["cvss"] is not None for each in fragments.values()) == with_score > 150


def test_scores_are_read_from_files_and_the_damaged_files_are_named(data, serve, fetcher):
    ids = [
        each["id"] for each in json.loads((data / "epss" / "kev-epss-2026-08-08.json").read_text())["vulnerabilities"]
    ]
    url = serve("/epss.csv", (data / "epss" / "epss_scores-kev-subset-2026-08-08.csv").read_bytes())
    batch = Epss(fetcher, url=url).fetch(wanted=ids)
    assert (len(batch.fragments), batch.skipped) == (1662, 0)
    assert {each["epss_date"] for each in batch.fragments.values()} == {"2026-08-08"}
    example = (data / "epss" / "vunnel-example-1.csv").read_bytes()
    names = [line.split(",")[0] for line in example.decode().splitlines() if line.startswith("CVE")]
    assert len(Epss(fetcher, url=serve("/e1", example)).fetch(wanted=names).fragments) == len(names) > 0
    undated = (data / "epss" / "vunnel-missing-date.csv").read_bytes()
    names = [line.split(",")[0] for line in undated.decode().splitlines() if line.startswith("CVE")]
    found = Epss(fetcher, url=serve("/e2", undated)).fetch(wanted=names).fragments
    assert {each["epss_date"] for each in found.values()} == {None}
    bad = (data / "epss" / "vunnel-invalid-header.csv").read_bytes()
    with pytest.raises(Exception, match="header") as caught:
        Epss(fetcher, url=serve("/e3", bad)).fetch(wanted=["CVE-2024-1"])
    assert "its header is wrong" in caught.value.message
