"""Scans and alerts in a real browser, against a real server and a catalogue that changes."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.support.catalogue import Catalogue
from tests.support.client import eventually
from tests.support.scan_reports import trivy
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
EXPLOITED = ["CVE-2021-40001", "CVE-2021-40002", "CVE-2021-40003"]
SIZES = {"wide": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def catalogue():
    made = Catalogue(EXPLOITED)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory, catalogue):
    settings = {**catalogue.environ(), "JUPITER_LOGIN_RATE_LIMIT": "1000/minute"}
    with Jupiter(tmp_path_factory.mktemp("scans"), settings) as made:
        with made.rest() as rest:
            eventually(lambda: rest.get("/api/threats").body["total"] == len(EXPLOITED), timeout=30)
        yield made
        assert "Traceback" not in made.output


@pytest.fixture
def open_page(new_page, jupiter):
    def open_page(*size, **options):
        page = new_page(*size, **options)
        page.goto(jupiter.link)
        expect(page.locator(".masthead [data-part='connection']")).to_contain_text("Live")
        return page

    return open_page


def choose(page, name, body):
    file = {"name": name, "mimeType": "application/json", "buffer": body}
    page.locator("#scans .panel__tools input[type=file]").set_input_files(file)


def shots(page, folder, name):
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(250)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, size)
            page.screenshot(path=folder / f"scans-{name}-{size}-{theme}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_report_is_uploaded_followed_read_and_exported(open_page, screenshots):
    page = open_page()
    panel = page.locator("#scans")
    expect(panel).to_have_attribute("data-state", "empty")
    expect(panel).to_contain_text("No scans yet")
    shots(page, screenshots, "empty")
    choose(page, "shop.json", trivy(6000, EXPLOITED, text=300))
    expect(panel.locator(".scan__progress")).to_contain_text("per second", timeout=20_000)
    page.screenshot(path=screenshots / "scans-running.png", full_page=True)
    scan = panel.locator(".scan").first
    expect(scan.locator("summary .tag").last).to_have_text("completed", timeout=60_000)
    expect(scan).to_contain_text("3 known exploited")
    expect(scan).to_contain_text("6,000 findings")
    expect(panel).to_have_attribute("data-state", "live")
    scan.locator("summary").first.focus()
    page.keyboard.press("Enter")
    rows = panel.locator(".finding")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("Known to be exploited (CISA's catalogue, since 2024-01-01")
    rows.first.locator("summary").click()
    expect(rows.first.locator(".finding__details")).to_contain_text("Why it ranks here")
    assert "scan=" in page.url
    shots(page, screenshots, "open")


def test_findings_are_filtered_exported_and_lead_to_their_records(open_page):
    page = open_page()
    panel, rows = page.locator("#scans"), page.locator("#scans .finding")
    choose(page, "filtered.json", trivy(200, EXPLOITED, text=5))
    scan = panel.locator(".scan", has_text="filtered.json")
    expect(scan).to_contain_text("3 known exploited", timeout=30_000)
    scan.locator("summary").first.click()
    panel.get_by_label("Known exploited").check()
    expect(rows).to_have_count(3)
    with page.expect_download() as download:
        panel.get_by_role("link", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 4
    page.get_by_label("Severity", exact=True).select_option("low")
    expect(page.locator("#threats .threat")).to_have_count(0)
    rows.first.locator("summary").click()
    rows.first.get_by_role("link", name="Its threat record").click()
    expect(page.locator("#threats .threat")).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(50)


def test_what_becomes_known_to_be_exploited_is_told_by_itself(open_page, catalogue, screenshots):
    name = "CVE-2026-55001"
    page = open_page()
    report = {
        "SchemaVersion": 2,
        "ArtifactName": "x",
        "Results": [
            {
                "Target": "x",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": name,
                        "PkgName": "<img src=x onerror=alert(1)>",
                        "Title": "<script>alert(1)</script>",
                    }
                ],
            }
        ],
    }
    choose(page, "before.json", json.dumps(report).encode())
    panel = page.locator("#alerts")
    expect(panel).to_contain_text("No open alerts")
    expect(page.locator("#scans .scan").first).to_contain_text("1 finding", timeout=20_000)
    panel.get_by_label("Watch a CVE id, vendor or product").fill("initech mail")
    page.keyboard.press("Enter")
    expect(panel.locator(".watched__list")).to_contain_text("initech mail")
    catalogue.add(name)
    expect(panel.locator(".alert")).to_contain_text(f"{name} is now known to be exploited", timeout=30_000)
    expect(page.locator(".masthead [data-part='alerts']")).to_have_text("1 alert")
    shots(page, screenshots, "alert")
    panel.get_by_role("link", name="before.json").click()
    expect(page.locator("#scans .finding")).to_contain_text("Known exploited")
    expect(page.locator("#scans .finding__title")).to_have_text("<script>alert(1)</script>")
    panel.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".masthead [data-part='alerts']")).to_have_text("")
    panel.get_by_role("button", name="Resolve").click()
    expect(panel).to_contain_text("No open alerts")
    panel.get_by_role("button", name="Stop watching initech mail").click()
    expect(panel.locator(".watched__list")).to_have_count(0)


def test_a_scan_is_cancelled_deleted_and_a_bad_file_is_refused(open_page, screenshots):
    page = open_page()
    panel = page.locator("#scans")
    choose(page, "notes.txt", b"nothing that anybody could read")
    expect(page.locator(".toast")).to_contain_text("none of the scan formats")
    page.faults.clear()  # the browser logs the refusal, which was provoked
    choose(page, "broken.sarif", b'{"version": "2.1.0", "runs": [}')
    first = panel.locator(".scan").first
    expect(first.locator("summary .tag").last).to_have_text("failed", timeout=20_000)
    first.locator("summary").first.click()
    expect(first.locator(".scan__fault")).to_contain_text("not valid JSON")
    page.screenshot(path=screenshots / "scans-failed.png", full_page=True)
    first.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete").last.click()
    expect(panel.locator(".scan", has_text="broken.sarif")).to_have_count(0)
    choose(page, "long.json", trivy(30_000, text=10))
    running = panel.locator(".scan", has_text="long.json")
    running.get_by_role("button", name="Cancel").click(timeout=30_000)
    expect(running.locator("summary .tag").last).to_have_text("cancelled", timeout=20_000)


def test_scans_that_cannot_be_read_are_told_and_tried_again(new_page, jupiter, screenshots):
    page = new_page()
    told = {"error": "Data temporarily unavailable", "error_code": "DATABASE_ERROR", "message": "", "error_id": "e1"}
    page.route("**/api/scans?*", lambda route: route.fulfill(status=503, json=told))
    page.goto(f"{jupiter.url}/login?token={jupiter.token_for('new', 'analyst')}")
    panel = page.locator("#scans")
    expect(panel).to_have_attribute("data-state", "error")
    expect(panel).to_contain_text("Data temporarily unavailable")
    page.faults.clear()  # the browser logs the refusal, which was provoked
    page.screenshot(path=screenshots / "scans-error.png", full_page=True)
    page.unroute("**/api/scans?*")
    panel.get_by_role("button", name="Retry now").click()
    expect(panel).to_have_attribute("data-state", "empty")


def test_findings_that_cannot_be_read_say_when_to_try_again(open_page):
    page = open_page()
    panel = page.locator("#scans")
    choose(page, "unread.json", trivy(3, EXPLOITED, text=5))
    scan = panel.locator(".scan", has_text="unread.json")
    expect(scan).to_contain_text("3 findings", timeout=30_000)
    told = {"error": "Data away", "error_code": "DATABASE_ERROR", "message": "The database is away.", "retry_after": 30}
    page.route("**/findings?*", lambda route: route.fulfill(status=503, json=told))
    began = time.monotonic()
    scan.locator("summary").first.click()
    expect(scan.locator(".problem")).to_contain_text(re.compile(r"Try again in \d+ s"))
    left = int(re.search(r"in (\d+) s", scan.locator(".problem").inner_text())[1])
    assert 29 - (time.monotonic() - began) <= left <= 30
    page.unroute("**/findings?*")
    scan.get_by_role("button", name="Retry now").click()
    expect(scan.locator(".finding")).to_have_count(3)
    page.faults.clear()  # the browser logs the refusal, which was provoked


def test_an_upload_that_is_stopped_is_no_failure(open_page):
    page = open_page()
    held = []
    page.route("**/api/scans", lambda route: held.append(route))  # noqa: PLW0108  (the driver needs a function of Python)
    choose(page, "stopped.json", trivy(3, text=5))
    page.locator("#scans .scans__upload").get_by_role("button", name="Stop").click()
    expect(page.locator("#scans .scans__upload")).to_have_count(0)
    page.wait_for_timeout(300)
    expect(page.locator(".toast")).to_have_count(0)
    for route in held:
        route.abort()


def test_a_viewer_reads_and_is_offered_nothing_else(new_page, jupiter):
    page = new_page()
    page.goto(f"{jupiter.url}/login?token={jupiter.token_for('vic', 'viewer')}")
    expect(page.locator("#scans")).to_contain_text("An analyst can upload")
    expect(page.locator("#scans input[type=file]")).to_have_count(0)
    expect(page.locator("#alerts form")).to_have_count(0)
    expect(page.locator("#scans")).to_have_attribute("data-state", re.compile("empty"))
