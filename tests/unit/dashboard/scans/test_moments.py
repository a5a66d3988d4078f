"""Scans that are cancelled, deleted or cut off at an awkward moment, by this process or another."""

import errno

import pytest

from backend.scans.errors import StorageFullError
from tests.support.scan_reports import trivy
from tests.unit.dashboard.scan_world import ADA, ScanWorld
from tests.unit.scans import samples


@pytest.fixture
def world(tmp_path):
    made = ScanWorld(tmp_path)
    yield made
    made.close()


def uploads(world):
    return list((world.folder / "uploads").glob("*")) if (world.folder / "uploads").exists() else []


def test_a_scan_cancelled_just_before_it_begins_stays_cancelled(world):
    scan = world.upload(samples.CVE_LIST, work=False)
    find = world.store.find

    def cancelled_meanwhile(scan_id):
        found = find(scan_id)
        if found["status"] == "queued":
            world.scans.cancel(ADA, scan_id)
        return found

    world.store.find = cancelled_meanwhile
    world.queue.run()
    ended = world.scans.get(ADA, scan["id"])
    assert (ended["status"], ended["findings"]) == ("cancelled", 0)
    assert world.experiments.get(ADA, scan["experiment_id"])["status"] == "cancelled"
    assert world.named("scan_result")[-1]["scan"]["status"] == "cancelled"


def test_a_scan_deleted_just_before_it_begins_leaves_nothing(world):
    scan = world.upload(samples.CVE_LIST, work=False)
    find = world.store.find

    def deleted_meanwhile(scan_id):
        found = find(scan_id)
        if found is not None:
            world.scans.delete(ADA, scan_id)
        return found

    world.store.find = deleted_meanwhile
    world.queue.run()
    assert world.scans.list(ADA, {})["total"] == 0
    assert [p["scan"]["status"] for p in world.named("scan_result")] == ["deleted"]
    assert world.experiments.get(ADA, scan["experiment_id"])["status"] == "cancelled"


def test_a_rescan_for_which_there_is_no_room_leaves_the_scan_as_it_was(world):
    scan = world.upload(samples.CVE_LIST)

    def full(_scan_id):
        raise StorageFullError("no space left")

    world.spool.mark = full
    with pytest.raises(StorageFullError):
        world.scans.rescan(ADA, scan["id"])
    assert world.scans.get(ADA, scan["id"])["status"] == "completed"


def test_a_fault_of_the_disk_does_not_end_the_looking_for_scans_that_wait(world):
    scan = world.upload(samples.CVE_LIST, work=False)
    world.queue._jobs.clear()
    world.queue._names.clear()
    looked = []

    def broken():
        looked.append(1)
        if len(looked) == 1:
            raise OSError(errno.EMFILE, "too many open files")
        world.scans.stop()

    world.spool.clear_broken = broken
    world.scans._stopped.wait = lambda _seconds: None
    world.runner.stopping.set = lambda: None
    world.scans._look_after()
    assert len(looked) == 2
    assert scan["status"] == "queued"


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_a_scan_is_cancelled_or_deleted_in_another_process_than_works_on_it(world, tmp_path, act):
    scan = world.upload(trivy(400, text=5), work=False)
    other = ScanWorld(tmp_path)
    put, rounds = world.store.put_findings, []

    def meanwhile(rows):
        rounds.append(len(rows))
        if len(rounds) == 2:
            getattr(other.scans, act)(ADA, scan["id"])
        put(rows)

    world.store.put_findings = meanwhile
    world.queue.run()
    assert uploads(world) == []
    if act == "delete":
        assert world.scans.list(ADA, {})["total"] == 0
        assert world.database.execute_query("findings", "count")["count"] == 0
        assert world.named("scan_result") == []
    else:
        ended = world.scans.get(ADA, scan["id"])
        assert ended["status"] == "cancelled"
        assert ended["findings"] == world.scans.findings(ADA, scan["id"], {})["total"] > 0
        assert world.named("scan_result")[-1]["scan"]["status"] == "cancelled"
    other.close()


@pytest.mark.parametrize("stage", ["row written", "begun", "all stored", "ended"])
def test_a_server_that_ends_at_any_stage_leaves_a_scan_that_the_next_one_finishes(world, tmp_path, stage):
    class Killed(BaseException):
        pass

    def killed(*_args, **_more):
        raise Killed

    broken = {
        "row written": (world.queue, "add"),
        "begun": (world.store, "put_findings"),
        "all stored": (world.store, "counts"),
        "ended": (world.spool, "remove"),
    }[stage]
    setattr(*broken, killed)
    with pytest.raises(Killed):
        world.upload(trivy(300, text=5))
    again = ScanWorld(tmp_path)
    again.scans.recover()
    again.queue.run()
    (found,) = again.scans.list(ADA, {})["scans"]
    assert (found["status"], found["findings"], found["duplicates"]) == ("completed", 300, 0)
    assert again.experiments.get(ADA, found["experiment_id"])["status"] == "completed"
    assert uploads(again) == []
    again.close()


def test_an_upload_whose_sender_was_never_told_that_it_was_taken_goes_after_an_hour(world):
    _, upload = world.scans.begin(ADA)
    upload.write(samples.CVE_LIST.encode())
    upload.finish()  # and here the server was killed
    now = world.spool._now()
    for later, left in ((3500, 1), (3700, 0)):
        world.spool._now = lambda later=later: now + later
        world.scans.recover()
        world.queue.run()
        assert len(uploads(world)) == left
    assert world.scans.list(ADA, {})["total"] == 0


def test_the_end_of_a_cancelled_scan_is_told_though_the_database_is_away_at_that_moment(world, monkeypatch):
    scan = world.upload(trivy(400, text=5), work=False)
    put = world.store.put_findings

    def cancel(rows):
        put(rows)
        world.scans.cancel(ADA, scan["id"])
        world.database.failing = lambda table, operation, _: (table, operation) == ("findings", "count")

    world.store.put_findings = cancel
    monkeypatch.setattr(world.runner.stopping, "wait", lambda _seconds: world.database.heal())
    world.queue.run()
    told = world.named("scan_result")[-1]["scan"]
    assert (told["status"], told["findings"] > 0) == ("cancelled", True)
