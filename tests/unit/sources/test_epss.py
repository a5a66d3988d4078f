"""EPSS scores: asked for in batches, taken from any server that has them."""

import gzip
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from backend.errors import NetworkError
from backend.sources.epss import Epss
from backend.sources.epss_answers import parse_scores
from tests.support.recorded import Epss as RecordedApi
from tests.support.requirements import require_data
from tests.unit.sources.fakes import ScriptedFetcher, inline

URL = "https://epss.example/data/v1/epss"
MANY = 10_000_000
IDS = [f"CVE-2026-{number}" for number in range(1000, 1350)]


def row(name, epss="0.5", percentile="0.9"):
    return {"cve": name, "epss": epss, "percentile": percentile, "date": "2026-08-08"}


def page(rows, **more):
    return json.dumps(
        {"status": "OK", "status-code": 200, "total": len(rows), "offset": 0, "data": rows, **more}
    ).encode()


class Server(ScriptedFetcher):
    """An API that answers by a function of the ids asked for and the offset."""

    def __init__(self, answer):
        super().__init__({})
        self._answer = answer

    def get(self, url, **options):
        query = parse_qs(urlsplit(url).query)
        ids, offset = query["cve"][0].split(","), int(query.get("offset", ["0"])[0])
        self.answers[url] = self._answer(ids, offset)
        return super().get(url, **options)


def scores_of(server, wanted=IDS):
    return Epss(server, url=URL, offload=inline).fetch(wanted=wanted).fragments


def test_ids_are_asked_in_batches_that_an_address_can_hold():
    server = Server(lambda ids, _: page([row(name) for name in ids]))
    assert len(scores_of(server)) == len(IDS)
    assert len(server.asked) == 4
    assert all(len(url) < 2000 and "%2C" not in url for url, _ in server.asked)


def test_numbers_that_are_texts_become_numbers():
    score = parse_scores(page([row("CVE-2026-1000", "0.130900000", "0.960230000")]), IDS, IDS, MANY)
    assert score.fragments == {"CVE-2026-1000": {"epss": 0.1309, "percentile": 0.96023, "epss_date": "2026-08-08"}}


@pytest.mark.parametrize("epss", ["nan", "inf", "-0.1", "1.1", "", None, [], True, "high"])
def test_what_is_no_probability_is_left_out_and_counted(epss):
    read = parse_scores(page([row("CVE-2026-1000", epss), row("CVE-2026-1001")]), IDS, IDS, MANY)
    assert (list(read.fragments), read.skipped) == (["CVE-2026-1001"], 1)


def test_a_broken_percentile_does_not_cost_the_score():
    read = parse_scores(page([row("CVE-2026-1000", "0.5", "nan")]), IDS, IDS, MANY)
    assert read.fragments["CVE-2026-1000"]["percentile"] is None


def test_ids_without_a_score_are_left_out():
    server = Server(lambda ids, _: page([row(name) for name in ids if name.endswith("0")]))
    assert len(scores_of(server)) == len(IDS) // 10


def test_a_server_that_ignores_what_is_asked_is_asked_once():
    server = Server(lambda *_: page([row(name) for name in [*IDS, "CVE-1999-0001"]]))
    found = scores_of(server)
    assert (len(found), len(server.asked)) == (len(IDS), 1)
    assert "CVE-1999-0001" not in found


def test_a_server_that_ignores_what_is_asked_is_paged_through():
    everything = [row(f"CVE-2020-{number}") for number in range(1000, 1500)] + [row(name) for name in IDS]

    def answer(_ids, offset):
        return page(everything[offset : offset + 100], total=len(everything), offset=offset)

    server = Server(answer)
    assert len(scores_of(server)) == len(IDS)
    assert len(server.asked) == 9


def test_a_server_that_ignores_the_offset_too_does_not_hold_us():
    server = Server(lambda *_: page([row("CVE-1999-0001"), row(IDS[0])], total=10_000))
    assert list(scores_of(server)) == [IDS[0]]
    assert len(server.asked) == 2


def test_a_server_with_small_pages_is_asked_for_all_of_them():
    def answer(ids, offset):
        return page([row(name) for name in ids[offset : offset + 30]], total=len(ids), offset=offset)

    server = Server(answer)
    assert len(scores_of(server)) == len(IDS)
    assert len(server.asked) == 4 + 4 + 4 + 2


CSV = "#model_version:v2026.06.15,score_date:2026-08-08T12:02:54Z\ncve,epss,percentile\n"


@pytest.mark.parametrize("pack", [lambda text: text, gzip.compress], ids=["plain", "gzip"])
def test_the_daily_file_is_read_in_one_request(pack):
    text = (CSV + "".join(f"{name},0.25,0.75\n" for name in [*IDS, "CVE-1999-0001"])).encode()
    server = Server(lambda *_: pack(text))
    found = scores_of(server)
    assert (len(found), len(server.asked)) == (len(IDS), 1)
    assert found[IDS[0]] == {"epss": 0.25, "percentile": 0.75, "epss_date": "2026-08-08"}


def test_a_compressed_file_is_bounded():
    with pytest.raises(NetworkError, match="more than"):
        parse_scores(gzip.compress(b"#" + b"0" * 1_000_000), IDS, IDS, 10_000)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "web page"),
        (b'{"data": "none"}', "not an answer of the EPSS API"),
        (b'{"status-code": 500, "data": []}', "not an answer of the EPSS API"),
        (b'{"data": [1, 2]}', "not an answer of the EPSS API"),
        (b"[]", "not an answer of the EPSS API"),
        (b"#model\ninvalid,header,format\nCVE-2024-6775,0.1,0.2\n", "header is wrong"),
        (b"", "nothing"),
    ],
)
def test_anything_else_is_refused(body, told):
    with pytest.raises(NetworkError) as caught:
        parse_scores(body, IDS, IDS, MANY)
    assert told in caught.value.message


def test_a_thousand_ids_of_which_none_has_a_score_are_not_believed_and_some_new_ones_are():
    many = [f"CVE-2026-{number}" for number in range(10_000, 11_000)]
    with pytest.raises(NetworkError, match="no score"):
        scores_of(Server(lambda *_: page([])), many)
    assert scores_of(Server(lambda *_: page([])), many[:999]) == {}


@pytest.mark.data
def test_all_recorded_scores_are_found():
    data = require_data()
    api = RecordedApi(data)
    recorded = json.loads((data / "epss" / "kev-epss-2026-08-08.json").read_text())["vulnerabilities"]
    wanted = [entry["id"] for entry in recorded]
    server = Server(lambda ids, offset: api.answer({"cve": ",".join(ids), "offset": str(offset)}))
    found = scores_of(server, wanted)
    assert len(found) == len(wanted) == 1662
    assert {name: score["epss"] for name, score in found.items()} == {e["id"]: e["epss"] for e in recorded}


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "rows", "date"),
    [
        ("epss_scores-kev-subset-2026-08-08.csv", 1662, "2026-08-08"),
        ("vunnel-example-1.csv", None, "2025-02-20"),
        ("vunnel-missing-date.csv", None, None),
    ],
)
def test_the_recorded_files_are_read(name, rows, date):
    body = (require_data() / "epss" / name).read_bytes()
    wanted = [line.split(",")[0] for line in body.decode().splitlines() if line.startswith("CVE-")]
    read = parse_scores(body, wanted, wanted[:1], MANY)
    assert len(read.fragments) == len(wanted) == (rows or len(wanted))
    assert {score["epss_date"] for score in read.fragments.values()} == {date}


@pytest.mark.parametrize(
    "rest", ["CVE-2024-1000," + "1" * 200_000, '"CVE-2024-1000,0.5\n' + "CVE-2024-1001,0.1,0.5\n" * 9000]
)
def test_a_file_with_a_field_without_end_is_damaged(rest):
    with pytest.raises(NetworkError) as caught:
        scores_of(Server(lambda *_: (CSV + rest).encode()))
    assert caught.value.message == "The file is not one of EPSS scores: it is damaged."


@pytest.mark.parametrize(("url", "at_once"), [(URL, 2000), ("https://scores.example/epss_scores-current.csv.gz", None)])
def test_the_api_is_asked_about_so_many_at_once_and_a_file_about_all(url, at_once):
    assert Epss(ScriptedFetcher({}), url=url).at_once == at_once
