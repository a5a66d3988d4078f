"""Scans as use cases: taken in, worked off, joined, ranked, cancelled, resumed; and what faults do to them."""

import errno
import io
import json
import os

import pytest

from backend.errors import (
    ConflictError,
    DatabaseError,
    FeatureDisabledError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitedError,
)
from backend.scans.errors import StorageFullError, UnknownFormatError
from tests.support.scan_reports import trivy
from tests.unit.dashboard.scan_world import ADA, EVE, ScanWorld
from tests.unit.scans import samples


@pytest.fixture
def world(tmp_path):
    made = ScanWorld(tmp_path)
    yield made
    made.close()


def uploads(world):
    return list((world.folder / "uploads").glob("*")) if (world.folder / "uploads").exists() else []


def ids_of(world, scan, **query):
    return [f["vulnerability"] for f in world.scans.findings(ADA, scan["id"], query)["findings"]]


def test_known_exploited_findings_come_first_and_say_why(world):
    world.knows("CVE-2023-4966", epss=0.94, percentile=0.99, ransomware=True)
    world.topics = [{"topic": "CVE-2024-3400", "kind": "cve", "mentions": 7, "sources": ["a", "b", "c", "d"]}]
    scan = world.upload(samples.CVE_LIST)
    first, second, third = world.scans.findings(ADA, scan["id"], {})["findings"]
    assert (first["vulnerability"], first["known_exploited"]) == ("CVE-2023-4966", True)
    assert first["reasons"] == [
        "Known to be exploited (CISA's catalogue, since 2026-11-01; to be fixed by 2026-12-01)",
        "94 % likely to be exploited within 30 days, higher than 99 % of all CVEs (EPSS)",
        "Used in ransomware campaigns",
    ]
    assert second["reasons"] == ["Talked about: 7 mentions in 4 sources within 7 days"]
    assert (third["reasons"], third["priority"]) == ([], 0)
    assert (scan["findings"], scan["known_exploited"]) == (3, 1)


def test_what_the_scanner_says_counts_where_nobody_else_knows(world):
    scan = world.upload(samples.GRYPE)
    (log4j,) = world.scans.findings(ADA, scan["id"], {})["findings"]
    assert log4j["known_exploited"] is True
    assert log4j["reasons"][0] == "Known to be exploited (Grype)"
    assert "EPSS, as Grype says" in log4j["reasons"][1]


def test_a_record_under_an_alias_is_found_too(world):
    world.knows("GHSA-jfh8-c2jp-5v3q", ransomware=True)
    scan = world.upload(samples.GRYPE)
    assert world.scans.findings(ADA, scan["id"], {})["findings"][0]["ransomware"] is True


def test_missing_fields_of_a_threat_record_are_tolerated(world):
    world.records["CVE-2023-4966"] = {"id": "CVE-2023-4966", "cvss": {"score": "9.4", "vector": None}, "aliases": None}
    scan = world.upload(samples.CVE_LIST)
    found = {f["vulnerability"]: f for f in world.scans.findings(ADA, scan["id"], {})["findings"]}
    assert found["CVE-2023-4966"]["cvss"] == {"score": 9.4, "vector": "", "says": None}


def test_the_same_finding_twice_is_one_and_is_counted(world):
    twice = json.loads(json.dumps(samples.TRIVY))
    twice["Results"].append(twice["Results"][0])
    scan = world.upload(twice)
    assert (scan["findings"], scan["duplicates"]) == (3, 1)


def test_a_scan_is_an_experiment_in_step(world):
    scan = world.upload(samples.CVE_LIST, work=False)
    experiment = world.experiments.get(ADA, scan["experiment_id"])
    assert (experiment["experiment_type"], experiment["status"]) == ("security_scan", "pending")
    world.queue.run()
    assert world.experiments.get(ADA, scan["experiment_id"])["status"] == "completed"
    broken = world.upload(b'{"runs": [}')
    assert world.experiments.get(ADA, broken["experiment_id"])["status"] == "failed"


def test_a_scan_whose_experiment_was_deleted_goes_on(world):
    scan = world.upload(samples.CVE_LIST, work=False)
    world.database.execute_query("experiments", "delete", filters=[{"column": "id", "value": scan["experiment_id"]}])
    world.queue.run()
    assert world.scans.get(ADA, scan["id"])["status"] == "completed"


def test_what_is_worked_off_is_no_longer_on_disk(world):
    world.upload(samples.CVE_LIST)
    world.upload(b'{"runs": [}')
    assert uploads(world) == []


def test_a_broken_report_fails_with_what_was_read_before(world):
    scan = world.upload(samples.as_bytes(samples.TRIVY)[:-100])
    assert scan["status"] == "failed"
    assert scan["error"]["error_code"] == "VALIDATION_ERROR"
    assert "premature EOF" in scan["error"]["details"]
    assert len(ids_of(world, scan)) == scan["findings"] > 0


def test_somebody_elses_scan_does_not_exist(world):
    scan = world.upload(samples.CVE_LIST)
    for act in (world.scans.get, world.scans.cancel, world.scans.rescan, world.scans.delete):
        with pytest.raises(NotFoundError):
            act(EVE, scan["id"])
    with pytest.raises(NotFoundError):
        world.scans.findings(EVE, scan["id"], {})
    assert world.scans.list(EVE, {})["scans"] == []
    assert world.scans.snapshot(EVE) == []


def test_filters_find_by_severity_exploitation_and_words(world):
    world.knows("CVE-2020-100003")
    scan = world.upload(trivy(40, text=5))
    assert ids_of(world, scan, known_exploited=True) == ["CVE-2020-100003"]
    assert len(ids_of(world, scan, severity="critical")) == 10
    assert ids_of(world, scan, search="LAYER package-7 wrong") == ["CVE-2020-100007"]
    assert ids_of(world, scan, search="100%_") == []


def test_pages_continue_where_the_one_before_ended(world):
    scan = world.upload(trivy(130, text=5))
    seen, cursor = [], None
    while True:
        page = world.scans.findings(ADA, scan["id"], {"limit": 40, **({"cursor": cursor} if cursor else {})})
        seen += [f["id"] for f in page["findings"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    _, exported = world.scans.export(ADA, scan["id"], {})
    assert seen == [f["id"] for f in exported]
    assert len(set(seen)) == 130


def test_a_cancelled_scan_stops_and_keeps_what_it_has(world):
    scan = world.upload(trivy(1000, text=5), work=False)
    put = world.store.put_findings

    def cancel_after_the_first(rows):
        put(rows)
        if rows and world.scans.get(ADA, scan["id"])["status"] == "running":
            world.scans.cancel(ADA, scan["id"])

    world.store.put_findings = cancel_after_the_first
    world.queue.run()
    ended = world.scans.get(ADA, scan["id"])
    assert ended["status"] == "cancelled"
    assert 0 < ended["findings"] < 1000
    assert world.named("scan_result")[-1]["scan"]["status"] == "cancelled"
    with pytest.raises(ConflictError):
        world.scans.cancel(ADA, scan["id"])
    assert uploads(world) == []


def test_a_scan_that_was_cut_off_is_resumed_and_doubles_nothing(world, tmp_path):
    scan = world.upload(trivy(1000, text=5), work=False)
    put = world.store.put_findings

    def end_the_server(rows):
        put(rows)
        world.runner.stopping.set()

    world.store.put_findings = end_the_server
    world.queue.run()
    assert world.scans.get(ADA, scan["id"])["status"] == "running"
    again = ScanWorld(tmp_path)
    again.scans.recover()
    again.queue.run()
    ended = again.scans.get(ADA, scan["id"])
    assert (ended["status"], ended["findings"], ended["duplicates"]) == ("completed", 1000, 0)
    assert again.scans.findings(ADA, scan["id"], {})["total"] == 1000
    again.close()


def test_an_upload_that_another_process_works_on_is_left_alone(world):
    scan = world.upload(samples.CVE_LIST, work=False)
    theirs = world.spool.claim(scan["id"])
    world.queue.run()
    assert world.scans.get(ADA, scan["id"])["status"] == "queued"
    theirs.release()
    world.scans.recover()
    world.queue.run()
    assert world.scans.get(ADA, scan["id"])["status"] == "completed"


def test_a_database_that_is_away_in_the_middle_is_waited_for_and_told(world, monkeypatch):
    scan = world.upload(trivy(500, text=5), work=False)
    waits = []

    def wait(seconds):
        waits.append(world.runner.running[scan["id"]].waiting)
        if len(waits) == 3:
            world.database.heal()

    monkeypatch.setattr(world.runner.stopping, "wait", wait)
    world.database.failing = lambda table, operation, _: (table, operation) == ("findings", "upsert")
    world.queue.run()
    assert len(waits) == 3
    assert "The scan goes on by itself." in waits[0]
    assert world.scans.get(ADA, scan["id"])["findings"] == 500


def test_a_feature_that_is_switched_off_takes_nothing_in_and_makes_running_scans_wait(world, monkeypatch):
    scan = world.upload(samples.CVE_LIST, work=False)
    world.guards.degradation.disable_feature("scan_processing", "maintenance", author="root")
    with pytest.raises(FeatureDisabledError):
        world.scans.begin(ADA)

    def switch_on(_seconds):
        world.guards.degradation.enable_feature("scan_processing", author="root")

    monkeypatch.setattr(world.runner.stopping, "wait", switch_on)
    world.queue.run()
    assert world.scans.get(ADA, scan["id"])["status"] == "completed"


def test_an_upload_that_cannot_be_stored_is_told_and_leaves_nothing(world):
    scan_id, upload = world.scans.begin(ADA)
    upload.write(samples.CVE_LIST.encode())
    world.database.failing = lambda table, *_: table == "scans"
    with pytest.raises(DatabaseError):
        world.scans.accept(ADA, scan_id, upload)
    assert uploads(world) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    def full(path):
        path.touch()
        return io.FileIO(os.open("/dev/full", os.O_WRONLY), "w")

    world = ScanWorld(tmp_path, opener=full)
    _, upload = world.scans.begin(ADA)
    with pytest.raises(StorageFullError) as told:
        upload.write(b"CVE-2024-1234")
    assert told.value.status == 507
    upload.abort()
    assert uploads(world) == []
    world.close()


def test_other_faults_of_the_disk_are_not_taken_for_a_full_one(tmp_path):
    def broken(_path):
        raise OSError(errno.EIO, "input/output error")

    world = ScanWorld(tmp_path, opener=broken)
    with pytest.raises(OSError, match="input/output"):
        world.scans.begin(ADA)
    world.close()


def test_more_than_allowed_is_refused_while_it_arrives(tmp_path):
    world = ScanWorld(tmp_path, max_bytes=100)
    _, upload = world.scans.begin(ADA)
    upload.write(b"x" * 100)
    with pytest.raises(PayloadTooLargeError):
        upload.write(b"x")
    upload.abort()
    world.close()


def test_a_format_that_is_none_is_refused_and_leaves_nothing(world):
    with pytest.raises(UnknownFormatError):
        world.upload(b"hello")
    assert uploads(world) == []
    assert world.scans.list(ADA, {})["total"] == 0


def test_the_format_may_be_told(world):
    assert world.upload(b"see cve-2024-1234 in\nthe report", format="cve_list")["findings"] == 1


def test_one_person_cannot_fill_the_queue(world):
    for _ in range(20):
        world.upload(samples.CVE_LIST, work=False)
    with pytest.raises(RateLimitedError):
        world.scans.begin(ADA)
    world.scans.begin(EVE)[1].abort()


def test_ones_own_scan_does_not_wait_for_all_of_anothers(world):
    theirs = [world.upload(samples.CVE_LIST, work=False) for _ in range(3)]
    own = world.upload(samples.CVE_LIST, user=EVE, work=False)
    world.queue.take()  # the first of theirs is worked on
    world.queue.take().run()
    assert world.scans.get(EVE, own["id"])["status"] == "completed"
    assert world.scans.get(ADA, theirs[1]["id"])["status"] == "queued"


def test_a_rescan_joins_with_what_is_known_today(world):
    scan = world.upload(samples.CVE_LIST)
    assert scan["known_exploited"] == 0
    world.knows("CVE-2024-3400")
    world.scans.rescan(ADA, scan["id"])
    with pytest.raises(ConflictError):
        world.scans.rescan(ADA, scan["id"])
    world.queue.run()
    again = world.scans.get(ADA, scan["id"])
    assert (again["status"], again["known_exploited"], again["findings"]) == ("completed", 1, 3)
    assert ids_of(world, scan)[0] == "CVE-2024-3400"


def test_what_was_joined_without_a_catalogue_is_joined_again_when_one_comes_without_an_alert(world):
    world.loaded = False
    scan = world.upload(samples.CVE_LIST)
    assert scan["joined"]["complete"] is False
    world.loaded = True
    world.knows("CVE-2024-3400")
    world.watch.look()
    world.queue.run()
    world.watch.changed()
    world.watch.look()
    again = world.scans.get(ADA, scan["id"])
    assert (again["joined"]["complete"], again["known_exploited"]) == (True, 1)
    assert world.named("alert_raised") == []


def test_deleting_takes_findings_and_upload_along(world):
    scan = world.upload(samples.CVE_LIST)
    world.scans.delete(ADA, scan["id"])
    assert world.named("scan_result")[-1]["scan"]["status"] == "deleted"
    assert world.store.counts(scan["id"])["findings"] == 0
