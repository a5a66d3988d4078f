"""What the pulse knew before a restart is shown after it, with the age that it has."""

import json
from datetime import timedelta

import pytest

from backend.dashboard.pulse.service import PulseService
from backend.errors import NetworkError
from backend.resilience.guard import Guards
from backend.resilience.testing import FakeClock
from backend.schemas.pulse import PulseUpdateSchema
from backend.storage.snapshot_file import SnapshotFile
from tests.unit.dashboard.source_fakes import NOW, ONE_TRY, FakeSource, inline, item, news

STORIES = [item("SharePoint attack wave", str(number), author="ann", ids=("CVE-2026-1000",)) for number in range(3)]
DOWN = NetworkError("down", message="The server refused the connection.")


class Restarting:
    """A pulse service that can be ended and begun again on the same file."""

    def __init__(self, path):
        self.path = path
        self.clock = FakeClock(NOW)

    def begin(self, *sources):
        """Begin a process with these sources, without loops."""
        self.pulse = PulseService(
            list(sources),
            guards=Guards(clock=self.clock, random=lambda: 0.5),
            policy=ONE_TRY,
            clock=self.clock,
            offload=inline,
            kept=SnapshotFile(self.path / "pulse.json", offload=inline),
        )
        self.pulse._archive.restore()
        return self.pulse

    def end(self):
        """End it as the server does."""
        self.pulse._archive.stop()


def feed(name, *answers):
    return FakeSource(f"feed:{name}", *answers, refresh_seconds=300.0)


@pytest.fixture
def world(tmp_path):
    made = Restarting(tmp_path)
    made.begin(feed("a", news(*STORIES, title="A News")), feed("b", news(STORIES[0]))).refresh()
    made.end()
    return made


def asked(pulse):
    payload = pulse.query()
    assert PulseUpdateSchema().validate(payload) == {}
    return payload


def test_items_and_ages_are_back_though_no_source_answers(world):
    before = asked(world.pulse)
    world.clock.advance(3600)
    pulse = world.begin(feed("a", DOWN), feed("b", DOWN))
    payload = asked(pulse)
    assert (payload["status"], payload["as_of"]) == ("stale", NOW.isoformat())
    assert payload["message"].endswith("A News, FEED:B: Not confirmed for too long.")
    assert [topic["mentions"] for topic in payload["topics"]] == [topic["mentions"] for topic in before["topics"]]
    assert payload["topics"][0]["source_names"] == ["A News", "FEED:B"]
    assert [entry["records"] for entry in payload["sources"]] == [3, 1]
    pulse.refresh()
    payload = asked(pulse)
    assert payload["status"] == "stale"
    assert "The server refused the connection." in payload["message"]


def test_what_a_feed_no_longer_shows_still_counts_after_the_restart(world):
    later = item("SharePoint attack wave", "9", at=NOW + timedelta(minutes=30))
    world.clock.advance(1800)
    pulse = world.begin(feed("a", news(later)), feed("b", news(later)))
    pulse.refresh()
    payload = asked(pulse)
    assert (payload["status"], payload["items_total"]) == ("live", 4)
    assert payload["topics"][0]["mentions"] == 4


def test_a_source_that_was_known_may_bring_undated_news(world):
    world.clock.advance(60)
    pulse = world.begin(feed("a", news(*STORIES, item("Undated", "8", at=None))))
    pulse.refresh()
    assert asked(pulse)["items_total"] == 4


def test_what_only_a_removed_source_gave_is_forgotten(world):
    pulse = world.begin(feed("b", DOWN))
    assert asked(pulse)["items_total"] == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "null",
        lambda text: text.replace('"format":1', '"format":99'),
        lambda text: text.replace('"at":"2', '"at":"x'),
        lambda text: json.dumps({**json.loads(text), "items": 7}),
        lambda text: json.dumps({**json.loads(text), "sources": {"feed:a": {}}}),
    ],
)
def test_a_damaged_file_is_as_none(world, spoil):
    file = world.path / "pulse.json"
    file.write_text(spoil(file.read_text()))
    pulse = world.begin(feed("a", news(*STORIES)), feed("b", DOWN))
    assert asked(pulse)["topics"] == []
    pulse.refresh()
    assert asked(pulse)["items_total"] == 3


def test_a_changed_file_cannot_bring_in_markup_links_or_a_future(world):
    file = world.path / "pulse.json"
    document = json.loads(file.read_text())
    document["items"][0] |= {"url": "javascript:alert(1)", "title": "a\u202eb", "at": "2099-01-01T00:00:00+00:00"}
    file.write_text(json.dumps(document))
    world.begin(feed("a", DOWN), feed("b", DOWN))
    first = world.pulse._store.all()[0]
    assert (first.item.url, first.item.title, first.at) == (None, "ab", NOW)


def test_nothing_is_written_while_nothing_comes_or_nothing_is_known(world, tmp_path):
    stamp = (world.path / "pulse.json").stat().st_mtime_ns
    world.begin(feed("a", DOWN), feed("b", DOWN))
    world.end()
    assert (world.path / "pulse.json").stat().st_mtime_ns == stamp
    other = Restarting(tmp_path / "other")
    other.begin(feed("a", DOWN)).refresh()
    other.end()
    assert not (tmp_path / "other" / "pulse.json").exists()


def test_a_full_disk_is_told_once_and_costs_nothing_else(world, caplog):
    world.begin(feed("a", news(*STORIES)))
    world.path.joinpath("pulse.json").unlink()
    world.path.joinpath("pulse.json").mkdir()
    for _ in range(2):
        world.pulse.refresh(force=True)
        world.clock.advance(300)
        assert world.pulse._archive.save() is False
    assert [record.message for record in caplog.records if "cannot be kept" in record.message] == [
        "⚠️ The pulse cannot be kept over a restart: cannot write pulse.json: IsADirectoryError"
    ]
    assert asked(world.pulse)["items_total"] == 3
