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


def test_what_is_in_a_scan_and_watched_too_is_one_alert_that_keeps_both(world):
    scan = world.upload(NAME.encode(), name="before")
    world.watched.add(ADA, {"term": NAME})
    world.knows(NAME)
    look(world)
    look(world)  # by now the scan's finding is known to be exploited, so only the watch list hits
    (alert,) = world.alerts.list(ADA, {})["alerts"]
    assert [each["scan_id"] for each in alert["details"]["scans"]] == [scan["id"]]
    assert alert["details"]["watched"] == [NAME]
    assert "“before”" in alert["message"]
    world.alerts.resolve(ADA, alert["id"])
    look(world)
    assert world.alerts.list(ADA, {})["alerts"][0]["status"] == "resolved"
    assert len(raised(world)) == 1


def test_an_entry_is_one_alert_under_whichever_of_its_names_it_is_met(world):
    advisory = "GHSA-aaaa-bbbb-cccc"
    world.upload(f"{advisory}\n{NAME}".encode(), name="before")
    world.watched.add(ADA, {"term": advisory.upper()})
    world.knows(NAME, aliases=[advisory])
    look(world)
    look(world)
    assert raised(world) == [(ADA, NAME)]
    (alert,) = world.alerts.list(ADA, {})["alerts"]
    assert [each["findings"] for each in alert["details"]["scans"]] == [2]
    assert world.scans.get(ADA, alert["details"]["scans"][0]["scan_id"])["known_exploited"] == 2


def test_another_scan_adds_to_the_alert_and_takes_nothing_from_it(world):
    first = world.upload(NAME.encode(), name="first")
    world.knows(NAME)
    look(world)
    world.knows(NAME, known_exploited=False)
    second = world.upload(NAME.encode(), name="second")
    world.knows(NAME)
    look(world)
    (alert,) = world.alerts.list(ADA, {})["alerts"]
    assert {each["scan_id"] for each in alert["details"]["scans"]} == {first["id"], second["id"]}
    assert len(raised(world)) == 2


def test_an_alert_about_two_scans_is_over_when_both_are_deleted(world):
    scans = [world.upload(NAME.encode(), name=name) for name in ("first", "second")]
    world.knows(NAME)
    look(world)
    world.scans.delete(ADA, scans[0]["id"])
    (alert,) = world.alerts.list(ADA, {})["alerts"]
    assert ([each["scan_id"] for each in alert["details"]["scans"]], alert["status"]) == ([scans[1]["id"]], "raised")
    world.scans.delete(ADA, scans[1]["id"])
    assert world.alerts.list(ADA, {})["alerts"][0]["status"] == "resolved"


def test_a_watched_vendor_alerts_for_the_newest_entry_however_many_it_has(world):
    for number in range(300):
        world.knows(f"CVE-2020-{1000 + number}", date_added="2020-01-01", epss=0.9)
    world.watched.add(ADA, {"term": "acme"})
    world.watched.add(ADA, {"term": "ac me"})
    world.knows(NAME, date_added="2999-01-01", epss=0.01)
    look(world)
    assert raised(world) == [(ADA, NAME)]


def test_what_is_compared_with_scans_does_not_grow_with_them(world):
    world.upload(b"\n".join(b"CVE-2020-%d" % (10_000 + number) for number in range(500)))
    world.upload(NAME.encode())
    world.knows(NAME)
    read = []
    ask = world.database.execute_query

    def counting(table, operation, **options):
        answer = ask(table, operation, **options)
        if (table, operation) == ("findings", "count"):
            read.append(len(answer["data"]))
        return answer

    world.database.execute_query = counting
    look(world)
    assert raised(world) == [(ADA, NAME)]
    assert max(read) == 1
