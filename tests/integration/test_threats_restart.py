"""A server that is started again while no source answers shows what the last one had, with its age, as stale."""

import csv
import io

import pytest
import stix2

from tests.support.client import eventually
from tests.support.faults import QUICK
from tests.support.server import Jupiter
from tests.support.upstream import NAMES

# As quick as the other stories, but patient enough with what was given for a busy machine.
CALM = {
    **QUICK,
    **{f"JUPITER_SOURCE_{name}_REFRESH_SECONDS": "8" for name in ("CISA_KEV", "NVD", "GHSA", "MISP", "EPSS")},
}
pytestmark = [pytest.mark.data, pytest.mark.timeout(180)]


def exported(rest, question):
    """Return an export as it comes over the wire."""
    answer = rest.get(f"/api/threats/export?{question}")
    assert answer.status == 200, answer
    assert answer.headers["content-disposition"].startswith('attachment; filename="jupiter-threats-')
    return answer.body


def all_there(rest):
    """Return the payload once every source of threats has given what it has."""
    payload = rest.get("/api/threats?limit=200").body
    counts = {source["name"]: source["records"] for source in payload["sources"]}
    wanted = {"cisa_kev": 1644, "ghsa": 15, "nvd": 38, "misp": 7}
    return payload if counts.items() >= wanted.items() and counts["epss"] >= 1644 else None


def test_it_is_shown_again_with_its_age_and_goes_live_when_the_sources_answer(upstreams, tmp_path):
    upstreams.heal()
    settings = {**upstreams.environ(), **CALM}
    with Jupiter(tmp_path, settings) as first:
        before = eventually(lambda: all_there(first.rest()), timeout=40)
        assert before["stale"] is False
        assert first.stop() == 0
    upstreams.set(**dict.fromkeys(NAMES, "refuse"))
    with Jupiter(tmp_path, settings) as second:
        rest = second.rest()
        shown = eventually(lambda: all_there(rest), timeout=20)
        assert (shown["stale"], shown["success"], shown["total"]) == (True, True, before["total"])
        assert [each["id"] for each in shown["threats"]] == [each["id"] for each in before["threats"]]
        assert shown["as_of"]
        assert {source["status"] for source in shown["sources"]} == {"stale"}
        upstreams.heal()
        live = eventually(lambda: not rest.get("/api/threats").body["stale"], timeout=40)
        assert live


def test_what_is_shown_is_what_is_exported_and_every_record_can_be_read(upstreams, serve):
    upstreams.heal()
    rest = serve({**upstreams.environ(), **CALM}).rest()
    eventually(lambda: all_there(rest), timeout=40)
    for question in ("", "&search=microsoft&sort=epss", "&known_exploited=true&epss_min=0.9&sort=cvss", "&source=misp"):
        listed = rest.get(f"/api/threats?limit=100{question}").body["threats"]
        shown = [each["id"] for each in listed]
        assert shown, question
        table = exported(rest, f"format=csv&limit=100{question}")
        assert [row["id"] for row in csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))] == shown
        document = exported(rest, f"format=json&limit=100{question}")
        assert [each["id"] for each in document["threats"]] == shown
        bundle = stix2.parse(exported(rest, f"format=stix&limit=100{question}"), allow_custom=False)
        assert len([each for each in bundle.objects if each.type in ("vulnerability", "report")]) >= len(shown)
        for each in listed[:5]:
            found = rest.get(f"/api/threats/{each['id']}").body
            assert [said["source"] for said in found["provenance"]] == each["sources"]
    assert rest.get("/api/threats/CVE-1999-0001").status == 404
