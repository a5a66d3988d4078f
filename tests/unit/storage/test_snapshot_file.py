"""One document in one file: whole or not at all."""

import stat

import pytest

from backend.errors import DatabaseError
from backend.storage.snapshot_file import MAX_BYTES, SnapshotFile


def inline(func, *args):
    return func(*args)


@pytest.fixture
def file(tmp_path):
    return SnapshotFile(tmp_path / "new" / "kept.json", offload=inline)


def test_what_was_saved_is_loaded_and_only_its_owner_can_read_it(file, tmp_path):
    file.save(lambda: {"a": [1, "ü"]})
    file.save(lambda: {"a": [2]})
    assert file.load(lambda document: document) == {"a": [2]}
    path = tmp_path / "new" / "kept.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe", b"x" * 10])
def test_where_there_is_nothing_to_be_used_there_is_nothing(file, tmp_path, content):
    if content is not None:
        file.save(dict)
        (tmp_path / "new" / "kept.json").write_bytes(content)
    assert file.load(lambda document: document) is None


def test_a_document_that_its_reader_refuses_is_none_and_so_is_a_huge_one(file, tmp_path):
    file.save(dict)

    def refuse(_):
        raise ValueError("another format")

    assert file.load(refuse) is None
    with (tmp_path / "new" / "kept.json").open("wb") as huge:
        huge.truncate(MAX_BYTES + 1)
    assert file.load(lambda document: document) is None


def test_what_cannot_be_written_leaves_the_one_before(file, tmp_path):
    file.save(lambda: {"a": 1})
    with pytest.raises(TypeError):
        file.save(lambda: {"a": object()})
    assert file.load(lambda document: document) == {"a": 1}
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_folder_that_cannot_be_made_is_told_without_its_path(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseError) as caught:
        SnapshotFile(tmp_path / "file" / "kept.json", offload=inline).save(dict)
    assert str(tmp_path) not in str(caught.value)
