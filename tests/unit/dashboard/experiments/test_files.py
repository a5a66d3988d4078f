"""Experiments as files: a report per row, the same file twice changes nothing, exactly what is shown goes out."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.dashboard.experiments import files as experiment_files
from backend.dashboard.experiments.files import FORMULA, read_csv, read_json, write_csv
from backend.dashboard.experiments.importing import EXISTS, TWICE
from backend.errors import DashboardError, DatabaseError, MalformedRequestError, PayloadTooLargeError, ValidationError
from tests.unit.dashboard.experiment_world import BODY, Experiments
from tests.unit.schemas.strategies import json_values

TAG = re.compile(r"<[A-Za-z/!?]")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Experiments]:
    made = Experiments(tmp_path)
    yield made
    made.close()


def lines(text: str) -> list[bytes]:
    return text.encode().splitlines(keepends=True)


def exported(world: Experiments, user: str = "ada", **query: Any) -> str:
    pieces, _ = world.exporting.run(user, query)
    return b"".join(pieces).decode()


def test_each_row_is_accepted_or_skipped_with_its_reason(world: Experiments) -> None:
    """And the good ones are there, as their importer's."""
    told: list[str] = []
    world.service.subscribe(told.append)
    text = (
        "\ufeffname,experiment_type,status,parameters,created_at\r\n"
        'first,benchmark,completed,"{""n"": 1}",2025-12-01\r\n'
        ",benchmark,,,\r\n"
        "third,dance,,,\r\n"
        "fourth,ab_test,,not json,\r\n"
        "fifth,ab_test\r\n"
        '"<b>sixth</b>, with\na line",chaos_drill,,,yesterday\r\n'
        "\r\n"
        "<i>last</i>,chaos_drill,,,\r\n"
    )
    report = world.importing.run("ada", read_csv(lines(text)))
    assert [(row["row"], row["outcome"]) for row in report["rows"]] == [
        (1, "accepted"),
        *[(number, "skipped") for number in range(2, 7)],
        (7, "accepted"),
    ]
    reasons = [row.get("reason", "") for row in report["rows"]]
    for number, word in ((2, "name"), (3, "experiment_type"), (4, "parameters"), (6, "created_at")):
        assert word in reasons[number - 1]
    assert reasons[4]
    assert (report["total"], report["accepted"], report["skipped"]) == (7, 2, 5)
    assert world.listed() == ["last", "first"]
    first = world.service.list("ada", {"search": "first"})["experiments"][0]
    assert (first["user_id"], first["parameters"], first["status"]) == ("ada", {"n": 1}, "completed")
    assert first["created_at"] == "2025-12-01T00:00:00.000000+00:00"
    assert told == ["ada"]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_went_out_comes_in_and_a_second_time_changes_nothing(tmp_path: Path, form: str) -> None:
    """Every field survives, formulas too."""
    here, there = Experiments(tmp_path / "here"), Experiments(tmp_path / "there")
    here.create("=HYPERLINK(1)", "+1", "-1", "@x", "a, \"b\" 'c'", "'=quoted", parameters={"=x": ["ü", None, 1.5]})
    here.service.create("ada", BODY | {"description": "two\nlines"})
    pieces, _ = here.exporting.run("ada", {"format": form})
    body = b"".join(pieces)

    def found() -> Any:
        return read_csv(io.BytesIO(body)) if form == "csv" else read_json(body)

    assert there.importing.run("ada", found())["accepted"] == 7
    assert there.service.list("ada") == here.service.list("ada")
    again = there.importing.run("ada", found())
    assert (again["accepted"], again["skipped"]) == (0, 7)
    assert {row["reason"] for row in again["rows"]} == {EXISTS}
    assert there.service.list("ada") == here.service.list("ada")
    here.close()
    there.close()


def test_an_id_that_is_anothers_is_skipped_and_his_row_stays(world: Experiments) -> None:
    """Whoever knows an id cannot write over it."""
    (hers,) = world.create("hers", user="eve")
    taken = {"id": hers["id"]}
    same = {"id": str(uuid.uuid4())}
    report = world.importing.run("ada", [BODY | taken, BODY | same, BODY | same])
    assert [row.get("reason") for row in report["rows"]] == [EXISTS, None, TWICE]
    assert world.service.get("eve", hers["id"])["name"] == "hers"


def test_a_row_that_comes_in_between_is_skipped_alone(world: Experiments) -> None:
    """Between the question which ids are there and the insert: the others of its hundred are taken."""
    ids = [str(uuid.uuid4()) for _ in range(5)]
    world.importing._taken = lambda ids: set()  # type: ignore[method-assign]
    world.importing.run("ada", [BODY | {"id": ids[2]}])
    report = world.importing.run("ada", [BODY | {"id": one} for one in ids])
    assert [row["outcome"] for row in report["rows"]] == ["accepted", "accepted", "skipped", "accepted", "accepted"]


def test_what_cannot_be_stored_or_kept_is_skipped_and_said(tmp_path: Path) -> None:
    """The database is away and the outbox full: nothing is claimed that is not so."""
    world = Experiments(tmp_path, max_entries=1, owner_share=1.0)
    world.away()
    report = world.importing.run("ada", [BODY, BODY])
    assert (report["accepted"], report["skipped"]) == (0, 2)
    assert "away" in report["rows"][0]["reason"]
    world.close()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ValidationError),
        ("name\nx\n", ValidationError),
        ("name,experiment_type,colour\n", ValidationError),
        ("name,name,experiment_type\n", ValidationError),
        ('name,experiment_type\n"open,benchmark\n', MalformedRequestError),
        ("name,experiment_type\nnull\0,benchmark\n", MalformedRequestError),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, error: type[Exception]) -> None:
    """With the columns that are missing or unknown, or why it cannot be read."""
    with pytest.raises(error):
        list(read_csv(lines(text)))


@pytest.mark.parametrize("end", ['"open,benchmark\n', "null\0,benchmark\n", "x,benchmark\n" * 10_000])
def test_of_a_file_that_is_refused_nothing_is_taken_in(world: Experiments, end: str) -> None:
    """Wherever its fault is: there is no report, so nobody would know which rows must not be sent again."""
    with pytest.raises((MalformedRequestError, PayloadTooLargeError)):
        world.importing.run("ada", read_csv(lines("name,experiment_type\n" + "good,benchmark\n" * 150 + end)))
    assert world.listed() == []


def test_what_is_no_text_is_refused() -> None:
    """A picture, say."""
    with pytest.raises(MalformedRequestError):
        list(read_csv([b"name,experiment_type\n", b"\xff\xfe\n"]))


def test_a_file_has_at_most_so_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """More is refused, in both forms."""
    monkeypatch.setattr(experiment_files, "MAX_ROWS", 2)
    rows = ["x,benchmark\n"] * 3
    with pytest.raises(PayloadTooLargeError):
        list(read_csv(lines("name,experiment_type\n" + "".join(rows))))
    with pytest.raises(PayloadTooLargeError):
        list(read_json(json.dumps([BODY] * 3).encode()))


@pytest.mark.parametrize("body", [b"", b"{", b"5", b'{"experiments": 5}', b"NaN"])
def test_json_that_is_no_list_is_refused(body: bytes) -> None:
    """As unreadable or as wrong."""
    with pytest.raises((MalformedRequestError, ValidationError)):
        list(read_json(body))


def test_json_may_begin_with_a_byte_order_mark() -> None:
    """As files from Windows do, of CSV too."""
    assert list(read_json(b"\xef\xbb\xbf" + json.dumps([BODY]).encode())) == [BODY]


def test_a_file_is_read_as_it_arrives() -> None:
    """The first row is there before the second has come."""
    arrived: list[int] = []

    def arriving() -> Iterator[bytes]:
        for number, line in enumerate(lines("name,experiment_type\na,benchmark\nb,benchmark\n")):
            arrived.append(number)
            yield line

    rows = read_csv(arriving())
    next(rows)
    assert arrived == [0, 1]


def test_an_export_is_what_the_list_shows_over_all_its_pages(world: Experiments) -> None:
    """The same filters, the same order, and the damaged row is in neither."""
    world.create(*[f"scan {number}" for number in range(7)])
    world.create("other")
    world.create("hers", user="eve")
    world.insert(name="<script>", status="dancing")
    query = {"search": "scan", "sort": "name"}
    shown: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = world.service.list("ada", query | cursor | {"limit": 3})
        shown += [row["id"] for row in page["experiments"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [row["id"] for row in csv.DictReader(io.StringIO(exported(world, **query)))] == shown
    assert [row["id"] for row in json.loads(exported(world, format="json", **query))] == shown
    assert len(shown) == 7
    assert json.loads(exported(world, format="json", search="nothing of that")) == []


def test_an_export_of_several_pages_is_whole(world: Experiments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row once."""
    world.create(*[str(number) for number in range(7)])
    page = world.service.page
    monkeypatch.setattr(world.service, "page", lambda *args, **more: page(*args, **more, size=3))
    assert [row["name"] for row in json.loads(exported(world, format="json", sort="name"))] == list("0123456")


def test_an_export_of_what_cannot_be_read_is_an_error_and_no_file(world: Experiments) -> None:
    """Before the first byte."""
    world.away()
    with pytest.raises(DatabaseError):
        world.exporting.run("ada", {})


@given(st.text(max_size=40))
def test_no_cell_of_csv_is_a_formula(text: str) -> None:
    """Whatever a name is."""
    row = {"id": "x", "name": text, "description": text, "parameters": {text: text}}
    told = b"".join(write_csv([[row]])).decode()
    for cells in csv.reader(io.StringIO(told, newline="")):
        assert not any(cell.startswith(FORMULA) for cell in cells)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(json_values, max_size=5))
def test_any_json_as_a_file_is_taken_in_or_skipped(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    """Never another error, never a tag in what is stored or reported."""
    world = _world(tmp_path_factory)
    report = world.importing.run("ada", rows)
    assert len(report["rows"]) == len(rows)
    assert not TAG.search(json.dumps(world.service.list("ada"), ensure_ascii=False))


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200), date=st.text(max_size=40), name=st.text(max_size=60))
def test_any_text_as_a_file_a_name_or_a_date_is_taken_in_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, date: str, name: str
) -> None:
    """Nothing but errors with a status, and no tag."""
    world = _world(tmp_path_factory)
    out = io.StringIO()
    csv.writer(out).writerows([["name", "experiment_type", "created_at"], [name, "benchmark", date]])
    for file in (text, "name,experiment_type\n" + text, out.getvalue()):
        try:
            world.importing.run("ada", read_csv(io.BytesIO(file.encode(errors="surrogatepass"))))
        except DashboardError as error:
            assert error.status in (400, 413, 422)  # noqa: PT017 - that it may also be none is the point
    assert not TAG.search(json.dumps(world.service.list("ada"), ensure_ascii=False))


_worlds: list[Experiments] = []


def _world(factory: pytest.TempPathFactory) -> Experiments:
    """One for all examples: a file for each would take longer than the test itself."""
    if not _worlds:
        _worlds.append(Experiments(factory.mktemp("files")))
    return _worlds[0]
