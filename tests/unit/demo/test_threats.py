"""The invented catalogue and its scores."""

from datetime import UTC, date, datetime, timedelta

from backend.demo import threats

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_every_record_is_marked_as_invented():
    records = threats.catalogue(START, START)["vulnerabilities"]
    assert len(records) == threats.INITIAL
    assert all(record["cveID"].startswith("DEMO-2026-") for record in records)
    assert all("(demo)" in record["vendorProject"] for record in records)
    assert "CVE-" not in str(records)


def test_ids_are_unique_and_begin_at_one():
    ids = [record["cveID"] for record in threats.catalogue(START, START)["vulnerabilities"]]
    assert len(set(ids)) == len(ids)
    assert ids[-1] == "DEMO-2026-0001"


def test_records_are_newest_first_and_dated_up_to_today():
    added = [date.fromisoformat(r["dateAdded"]) for r in threats.catalogue(START, START)["vulnerabilities"]]
    assert added == sorted(added, reverse=True)
    assert added[0] == START.date()
    assert added[-1] >= START.date() - timedelta(days=90)


def test_a_new_record_arrives_every_interval():
    later = START + 3 * threats.NEW_EVERY
    before, after = threats.catalogue(START, START), threats.catalogue(later, START)
    assert after["count"] == before["count"] + 3
    assert after["catalogVersion"] != before["catalogVersion"]
    assert after["vulnerabilities"][3:] == before["vulnerabilities"]


def test_between_two_arrivals_the_catalogue_stays_the_same():
    assert threats.catalogue(START + threats.NEW_EVERY / 2, START) == threats.catalogue(START, START)


def test_a_demo_left_running_keeps_a_bounded_catalogue():
    found = threats.catalogue(START + timedelta(days=2), START)
    assert found["count"] == len(found["vulnerabilities"]) == threats.KEPT


def test_scores_are_strings_as_in_the_real_interface():
    found = threats.scores(START, START, ids=["DEMO-2026-0007"], limit=100, offset=0)
    [row] = found["data"]
    assert row["cve"] == "DEMO-2026-0007"
    assert isinstance(row["epss"], str)
    assert 0 < float(row["epss"]) < 1
    assert 0 < float(row["percentile"]) < 1
    assert found["total"] == 1


def test_unknown_ids_have_no_score():
    assert threats.scores(START, START, ids=["DEMO-2026-9999"], limit=100, offset=0)["data"] == []


def test_scores_come_in_pages_that_cover_every_record_once():
    pages = [threats.scores(START, START, ids=[], limit=25, offset=offset) for offset in (0, 25, 50)]
    seen = [row["cve"] for page in pages for row in page["data"]]
    assert len(seen) == len(set(seen)) == pages[0]["total"] == threats.INITIAL
