"""Uploads on disk: what an ended process has left behind goes, what is being received stays."""

import pytest

from backend.scans.spool import Spool

ID, OTHER = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "uploads", 1000, give_way=lambda: None)


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "uploads").iterdir())


def later(spool, seconds=10):
    now = spool._now
    spool._now = lambda: now() + seconds


def test_what_was_half_received_when_a_process_ended_is_cleared(spool, tmp_path):
    left = spool.receive(ID)
    left.write(b"half")
    left._file.close()  # as the end of its process does
    being_received = spool.receive(OTHER)
    spool.clear_broken()
    assert len(names(tmp_path)) == 2  # just made: its lock may be a moment away
    later(spool)
    spool.clear_broken()
    assert names(tmp_path) == [f"{OTHER}.part"]
    being_received.write(b"all of it")
    being_received.finish()
    spool.clear_broken()
    assert names(tmp_path) == [f"{OTHER}.scan"]


def test_what_is_received_whole_while_it_is_looked_at_does_no_harm(spool, tmp_path, monkeypatch):
    spool.receive(ID).finish()
    ghost = tmp_path / "uploads" / f"{OTHER}.part"
    monkeypatch.setattr(type(ghost), "glob", lambda *_: [ghost])
    spool.clear_broken()
    assert names(tmp_path) == [f"{ID}.scan"]


def test_a_claim_is_one_processes_until_it_is_released(spool):
    spool.receive(ID).finish()
    claim = spool.claim(ID)
    assert spool.claim(ID) is None
    claim.release()
    again = spool.claim(ID)
    assert again is not None
    assert again.is_mark  # nothing was written
    again.release()
    assert spool.claim(OTHER) is None
