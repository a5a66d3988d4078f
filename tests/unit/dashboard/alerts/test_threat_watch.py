"""Alerts that raise themselves: one for each person and vulnerability."""

import pytest

from backend.errors import NotFoundError
from tests.unit.dashboard.scan_world import ADA, EVE, ScanWorld

NAME = "CVE-2026-1000"


@pytest.fixture
def world(tmp_path):
    made = ScanWorld(tmp_path)
    yield made
    made.close()


def look(world):
    world.watch.changed()
    world.watch.look()


def raised(world):
    return [(user, p["alert"]["subject"]) for user, event, p in world.told if event == "alert_raised"]


def test_a_new_entry_that_is_in_earlier_scans_raises_one_alert_for_each_person(world):
    for user in (ADA, ADA, EVE):
        world.upload(f"{NAME}\nCVE-2026-1001\n".encode(), user=user, name="before")
    look(world)
    assert raised(world) == []
    world.knows(NAME)
    look(world)
    assert sorted(raised(world)) == [(ADA, NAME), (EVE, NAME)]
    alert = world.alerts.list(ADA, {})["alerts"][0]
    assert alert["title"] == f"{NAME} is now known to be exploited"
    assert "It is in 2 findings of your scans “before” and 1 more." in alert["message"]
    assert [scan["findings"] for scan in alert["details"]["scans"]] == [1, 1]
    for _ in range(3):
        look(world)
    assert len(raised(world)) == 2


def test_its_findings_are_joined_anew_so_that_the_scan_shows_it_too(world):
    scan = world.upload(f"CVE-2026-1001\n{NAME}\n".encode())
    world.knows(NAME)
    look(world)
    assert world.scans.get(ADA, scan["id"])["known_exploited"] == 1
    assert world.scans.findings(ADA, scan["id"], {})["findings"][0]["vulnerability"] == NAME


def test_what_was_known_when_it_was_scanned_raises_nothing(world):
    world.knows(NAME)
    world.upload(NAME.encode())
    look(world)
    assert raised(world) == []


def test_a_watched_id_alerts_and_a_watched_product_for_new_entries_only(world):
    world.knows("CVE-2026-2000", date_added="2020-01-01")
    world.watched.add(ADA, {"term": "cve-2026-1000"})
    world.watched.add(ADA, {"term": "acme  Gateway"})
    look(world)
    assert raised(world) == []
    world.knows(NAME, date_added="2020-01-01")
    world.knows("CVE-2026-3000", date_added="2999-01-01")
    world.knows("CVE-2026-3001", date_added="2999-01-01", product="Toaster")
    look(world)
    assert sorted(raised(world)) == [(ADA, NAME), (ADA, "CVE-2026-3000")]


def test_a_resolved_alert_stays_resolved_until_something_is_new_about_it(world):
    world.watched.add(ADA, {"term": NAME})
    world.knows(NAME)
    look(world)
    (alert,) = world.alerts.list(ADA, {})["alerts"]
    world.alerts.resolve(ADA, alert["id"])
    look(world)
    assert world.alerts.list(ADA, {})["alerts"][0]["status"] == "resolved"
    assert len(raised(world)) == 1


def test_the_alert_of_a_scan_that_is_deleted_is_over_unless_something_else_stands_behind_it(world):
    first, second = (world.upload(f"{name}\n".encode()) for name in (NAME, "CVE-2026-1001"))
    world.watched.add(ADA, {"term": "CVE-2026-1001"})
    world.knows(NAME)
    world.knows("CVE-2026-1001")
    look(world)
    world.scans.delete(ADA, first["id"])
    world.scans.delete(ADA, second["id"])
    status = {alert["subject"]: alert["status"] for alert in world.alerts.list(ADA, {})["alerts"]}
    assert status == {NAME: "resolved", "CVE-2026-1001": "raised"}
    assert [p["alert"]["subject"] for p in world.named("alert_resolved")] == [NAME]


def test_alerts_and_watch_lists_are_their_owners_alone(world):
    entry = world.watched.add(ADA, {"term": NAME})
    world.knows(NAME)
    look(world)
    (alert,) = world.alerts.list(ADA, {})["alerts"]
    assert world.alerts.list(EVE, {})["total"] == 0
    for act in (world.alerts.acknowledge, world.alerts.resolve):
        with pytest.raises(NotFoundError):
            act(EVE, alert["id"])
    with pytest.raises(NotFoundError):
        world.watched.remove(EVE, entry["id"])
    assert world.watched.list(EVE)["watched"] == []


def test_watching_the_same_twice_is_one_entry(world):
    first = world.watched.add(ADA, {"term": "Acme"})
    assert world.watched.add(ADA, {"term": "ACME"}) == first
    assert world.watched.list(ADA)["count"] == 1


def test_an_alert_that_could_not_be_stored_is_raised_later(world):
    world.upload(NAME.encode())
    world.knows(NAME)
    world.watch.changed()
    world.database.failing = lambda table, *_: table == "alerts"
    with pytest.raises(Exception, match="disk I/O"):
        world.watch.look()
    world.database.heal()
    look(world)
    assert raised(world) == [(ADA, NAME)]
