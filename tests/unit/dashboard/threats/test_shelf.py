"""What the sources gave survives a restart, is shown with its age, and never as live."""

import gzip
import stat
from datetime import timedelta

from backend.dashboard.threats.keeping import Keeping
from backend.dashboard.threats.service import ThreatService
from backend.dashboard.threats.shelf import Kept, ThreatShelf
from backend.errors import NetworkError
from backend.resilience.guard import Guards
from backend.resilience.testing import FakeClock
from backend.sources.base import ThreatBatch, Validators
from tests.unit.dashboard.source_fakes import NOW, ONE_TRY, FakeSource, by_name, catalogue, inline

CVE = "CVE-2026-1000"
MARKED = Validators("https://a.example/", '"1"', "yesterday", "half")


def service(shelf, *sources, later=timedelta()):
    clock = FakeClock(NOW + later)
    options = {
        "clock": clock,
        "offload": inline,
        "policy": ONE_TRY,
        "shelf": shelf,
        "wait": lambda event, _: event.set(),
    }
    return ThreatService(list(sources), guards=Guards(clock=clock, random=lambda: 0.5), **options)


def restarted(shelf, *sources, later):
    made = service(shelf, *sources, later=later)
    made._keeping.bring_back()
    return made


def test_what_is_put_there_comes_back_as_it_was(tmp_path):
    shelf = ThreatShelf(tmp_path / "threats")
    kept = Kept({CVE: {"title": "T", "tags": ["a"], "epss": 0.5}}, NOW, MARKED)
    shelf.put("nvd", kept)
    assert shelf.take("nvd") == kept
    (file,) = (tmp_path / "threats").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_cannot_be_read_is_as_good_as_none(tmp_path):
    shelf = ThreatShelf(tmp_path)
    assert shelf.take("nvd") is None
    shelf.put("nvd", Kept({CVE: {"title": "T"}}, NOW))
    whole = (tmp_path / "nvd.jsonl.gz").read_bytes()
    spoilt = [
        whole[:20],
        b"",
        b"nonsense",
        gzip.compress(b""),
        gzip.compress(b'{"version": 99}\n'),
        gzip.compress(b"[]"),
    ]
    spoilt.append(gzip.compress(gzip.decompress(whole).splitlines()[0]))  # its records are missing
    for body in spoilt:
        (tmp_path / "nvd.jsonl.gz").write_bytes(body)
        assert shelf.take("nvd") is None


def test_after_a_restart_it_is_shown_as_stale_with_its_age_until_the_source_answers(tmp_path):
    shelf = ThreatShelf(tmp_path)
    first = service(shelf, FakeSource("cisa_kev", catalogue(CVE)))
    first.refresh()
    first.stop()

    kev = FakeSource("cisa_kev", NetworkError("down", message="The server refused."), catalogue(CVE))
    second = restarted(shelf, kev, later=timedelta(minutes=40))
    payload = second.query()
    assert (payload["total"], payload["success"], payload["stale"]) == (1, True, True)
    assert payload["as_of"] == NOW.isoformat()
    entry = by_name(payload)["cisa_kev"]
    assert (entry["status"], entry["records"], entry["as_of"]) == ("stale", 1, NOW.isoformat())
    assert "Kept from before the restart" in payload["message"]
    assert second.find(ids=[CVE])[0]["as_of"] == NOW.isoformat()

    second.refresh()
    assert "The server refused." in second.query()["message"]
    assert kev.asked[0]["previous"] == Validators("u", '"1"')
    second.refresh(force=True)
    payload = second.query()
    assert (payload["stale"], "message" in payload) == (False, False)


def test_an_unchanged_answer_makes_what_was_kept_live(tmp_path):
    shelf = ThreatShelf(tmp_path)
    shelf.put("cisa_kev", Kept({CVE: {"title": "T"}}, NOW, MARKED))
    kev = FakeSource("cisa_kev", ThreatBatch(not_modified=True, validators=MARKED))
    threats = restarted(shelf, kev, later=timedelta(minutes=5))
    threats.refresh()
    assert threats.query()["stale"] is False
    assert threats.get(CVE)["title"] == "T"


def test_a_source_that_gives_what_is_new_goes_on_from_its_mark(tmp_path):
    shelf = ThreatShelf(tmp_path)
    shelf.put("nvd", Kept({CVE: {"title": "T"}}, NOW, MARKED))
    nvd = FakeSource("nvd", ThreatBatch({"CVE-2026-2000": {"title": "N"}}, delta=True, validators=MARKED))
    threats = restarted(shelf, nvd, later=timedelta(days=2))
    threats.refresh()
    assert nvd.asked[0]["previous"].mark == "half"
    assert threats.query()["total"] == 2


def test_a_source_that_is_not_enabled_any_more_is_not_shown(tmp_path):
    shelf = ThreatShelf(tmp_path)
    shelf.put("nvd", Kept({CVE: {"title": "T"}}, NOW))
    assert restarted(shelf, FakeSource("cisa_kev", catalogue()), later=timedelta()).query()["total"] == 0


def test_only_what_changed_is_written(tmp_path, monkeypatch):
    shelf, written = ThreatShelf(tmp_path), []
    monkeypatch.setattr(shelf, "put", lambda name, kept: written.append(name))
    kev = FakeSource("cisa_kev", catalogue(CVE), ThreatBatch(not_modified=True), catalogue(CVE, "CVE-2026-1001"))
    threats = service(shelf, kev)
    for _ in range(3):
        threats.refresh()
        threats._clock.advance(3600)
        threats._keeping.write()
        threats._keeping.write()
    assert written == ["cisa_kev", "cisa_kev"]


def test_a_full_disk_is_told_once_and_costs_nothing_else(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    threats = service(ThreatShelf(tmp_path / "file"), FakeSource("cisa_kev", catalogue(CVE)))
    threats.refresh()
    with caplog.at_level("WARNING"):
        threats._keeping.write()
        threats._keeping.write()
    assert len([line for line in caplog.records if "cannot be kept" in line.getMessage()]) == 1
    assert threats.query()["total"] == 1


def test_the_sources_are_asked_though_nothing_could_be_brought_back(tmp_path, monkeypatch):
    threats = service(ThreatShelf(tmp_path), FakeSource("cisa_kev", catalogue(CVE)))
    keeping: Keeping = threats._keeping
    monkeypatch.setattr(keeping, "bring_back", lambda: 1 / 0)
    begun = []
    keeping.start(lambda func, *args: func(*args), lambda: begun.append(True))
    assert begun == [True]
