"""Scans through the real server: uploaded over HTTP, followed over a real socket."""

import json
import os
import socket
import time
import uuid

import pytest

from tests.support.catalogue import Catalogue
from tests.support.client import eventually
from tests.support.processes import resident_bytes
from tests.support.scan_reports import trivy
from tests.support.server import Jupiter
from tests.unit.scans import samples

EXPLOITED = [f"CVE-2021-{number}" for number in range(40_000, 40_008)]
COUNT = 10_000
OVER = ("completed", "failed", "cancelled")


@pytest.fixture(scope="module")
def catalogue():
    made = Catalogue(EXPLOITED)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory, catalogue):
    settings = {**catalogue.environ(), "JUPITER_SCAN_RATE_LIMIT": "1000/second"}
    with Jupiter(tmp_path_factory.mktemp("scans"), settings) as made:
        with made.rest() as rest:
            eventually(lambda: rest.get("/api/threats").body["total"] == len(EXPLOITED), timeout=30)
        yield made
        assert [line for line in made.output.splitlines() if '"level":"error"' in line and "Traceback" in line] == []


@pytest.fixture
def rest(jupiter):
    with jupiter.rest(timeout=30) as made:
        yield made


def upload(rest, report, **said):
    headers = {"Content-Type": "application/octet-stream"}
    made = rest.post("/api/scans", content=report, params=said, headers=headers)
    assert made.status == 201, made.body
    return made.body["id"]


def finished(rest, scan_id, timeout=60):
    def check():
        scan = rest.get(f"/api/scans/{scan_id}").body
        return scan if scan["status"] in OVER else None

    return eventually(check, timeout=timeout, interval=0.1)


def slowness():
    """How much longer things take because others use the machine: 1 where it is one's own."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_scan_of_ten_thousand_findings_is_quick_told_all_the_time_and_bounded_in_memory(
    jupiter, rest, record_testsuite_property
):
    report = trivy(COUNT, EXPLOITED)
    before = highest = jupiter.memory()
    slow, told = slowness(), None
    with jupiter.events() as events:
        started = time.monotonic()
        scan_id = upload(rest, report, name="ten thousand")
        while told is None and time.monotonic() - started < 60:
            highest = max(highest, resident_bytes(jupiter.process.pid))
            told = next(
                (e for e in list(events.received) if e.name == "scan_result" and e.data["scan"]["id"] == scan_id), None
            )
            time.sleep(0.02)
        assert told is not None, "no scan_result within a minute"
        seconds = told.at - started
        mine = [
            e for e in events.received if e.name == "scan_progress" and e.data["scan_id"] == scan_id and e.at <= told.at
        ]
    running = [e for e in mine if e.data["status"] == "running"]
    gaps = [later.at - sooner.at for sooner, later in zip(running, [*running[1:], told], strict=True)]
    top = told.data["top"]
    grown = (highest - before) / 1e6
    told_figures = f"{seconds:.2f} s, longest silence {max(gaps):.3f} s, {grown:.0f} MB more"
    record_testsuite_property("scan of 10,000", told_figures)
    assert told.data["scan"]["findings"] == COUNT
    assert told.data["scan"]["known_exploited"] == len(EXPLOITED)
    assert {each["vulnerability"] for each in top if each["known_exploited"]} == set(EXPLOITED)
    assert [each["known_exploited"] for each in top] == [True] * 8 + [False] * 2
    assert all("Known to be exploited" in each["reasons"][0] for each in top[:8])
    assert any(event.data["time_left"] is not None for event in running)
    assert seconds < 10 * slow, told_figures
    assert max(gaps) < 0.25 * slow, told_figures
    assert grown < 150


def test_every_format_arrives_by_form_and_as_a_bare_body(rest):
    for name, report in samples.SAMPLES.items():
        body = samples.as_bytes(report)
        by_form = rest.post("/api/scans", files={"file": (f"{name}.json", body)}, data={"name": f"form {name}"})
        assert by_form.status == 201, by_form.body
        assert (by_form.body["format"], by_form.body["filename"]) == (name, f"{name}.json")
        bare = finished(rest, upload(rest, body, name=name))
        formed = finished(rest, by_form.body["id"])
        assert (bare["status"], bare["by_severity"]) == (formed["status"], formed["by_severity"])
        assert bare["findings"] > 0


def test_a_scan_is_an_experiment_whose_status_keeps_step(rest):
    scan = finished(rest, upload(rest, samples.CVE_LIST.encode(), name="an experiment"))
    experiment = eventually(
        lambda: (e := rest.get(f"/api/experiments/{scan['experiment_id']}").body)["status"] == "completed" and e
    )
    assert experiment["experiment_type"] == "security_scan"
    assert experiment["parameters"]["scan_id"] == scan["id"]


def test_a_scan_is_cancelled_and_keeps_what_it_has(jupiter, rest):
    with jupiter.events() as events:
        # so many that they are not all in when the cancellation comes, however late that is
        scan_id = upload(rest, trivy(60_000, text=20), name="cancelled")
        events.wait_for("scan_progress", lambda p: p["scan_id"] == scan_id and p["findings"] > 500, timeout=30)
        assert rest.post(f"/api/scans/{scan_id}/cancel").body["status"] == "cancelled"
        ended = events.wait_for("scan_result", lambda p: p["scan"]["id"] == scan_id, timeout=10)
    assert ended["scan"]["status"] == "cancelled"
    assert 500 < rest.get(f"/api/scans/{scan_id}/findings").body["total"] < 60_000
    assert rest.post(f"/api/scans/{scan_id}/cancel").status == 409
    experiment = rest.get(f"/api/experiments/{ended['scan']['experiment_id']}").body
    assert experiment["status"] == "cancelled"


@pytest.mark.timeout(300)
def test_a_scan_goes_on_after_its_server_was_killed_and_doubles_nothing(tmp_path, catalogue):
    environ = catalogue.environ()
    first = Jupiter(tmp_path / "killed", environ).start()
    with first.rest(timeout=30) as rest, first.events() as events:
        scan_id = upload(rest, trivy(20_000, EXPLOITED, text=50), name="killed")
        events.wait_for("scan_progress", lambda p: p["findings"] > 3000, timeout=60)
        first.process.kill()  # SIGKILL: nothing is tidied up
    first.kill()
    scans = tmp_path / "killed" / "var" / "scans"
    assert len(list(scans.iterdir())) == 1  # it was cut off: what is read to its end is thrown away
    with Jupiter(tmp_path / "killed", environ).start() as second, second.rest(timeout=30) as rest:
        scan = finished(rest, scan_id, timeout=200)
        assert (scan["status"], scan["findings"]) == ("completed", 20_000)
        found = rest.get(f"/api/scans/{scan_id}/findings", params={"limit": 200}).body
        assert found["total"] == 20_000
        # thrown away when the end has been told, which is after it has been stored
        eventually(lambda: [p.name for p in scans.iterdir()] == [])


def test_two_uploads_at_once_both_arrive(jupiter, rest):
    with jupiter.events() as events:
        ids = [upload(rest, trivy(2000, text=20), name=f"beside {number}") for number in range(2)]
        for scan_id in ids:
            events.wait_for("scan_result", lambda p, wanted=scan_id: p["scan"]["id"] == wanted, timeout=60)
    assert [finished(rest, scan_id)["findings"] for scan_id in ids] == [2000, 2000]


def test_somebody_elses_scan_does_not_exist(jupiter, rest):
    mine = upload(rest, samples.CVE_LIST.encode(), name="mine")
    finished(rest, mine)
    with (
        jupiter.rest(jupiter.token_for("eve", "analyst")) as eve,
        jupiter.events(jupiter.token_for("eve", "analyst")) as heard,
    ):
        assert eve.get("/api/scans").body["scans"] == []
        for method, path in (
            ("GET", ""),
            ("GET", "/findings"),
            ("GET", "/findings/export"),
            ("POST", "/cancel"),
            ("POST", "/rescan"),
            ("DELETE", ""),
        ):
            assert eve.send(method, f"/api/scans/{mine}{path}").status == 404, (method, path)
        again = upload(rest, samples.CVE_LIST.encode(), name="mine too")
        finished(rest, again)
        answer = heard.call("sync", {"scans": 0, "alerts": 0})["data"]["streams"]
        assert answer["scans"]["snapshot"] == []
        assert heard.named("scan_progress") == heard.named("scan_result") == []
    assert rest.get(f"/api/scans/{mine}").status == 200


def test_who_was_away_gets_what_was_missed_or_the_present_state(jupiter, rest):
    with jupiter.events() as events:
        scan_id = upload(rest, samples.CVE_LIST.encode(), name="followed")
        seen = events.wait_for("scan_result", lambda p: p["scan"]["id"] == scan_id, timeout=30)["seq"]
        later = upload(rest, samples.CVE_LIST.encode(), name="missed")
        # said, and not only stored: its status is to be read some time before it is told
        events.wait_for("scan_result", lambda p: p["scan"]["id"] == later, timeout=30)
    with jupiter.events() as events:
        missed = events.call("sync", {"scans": seen})["data"]["streams"]["scans"]["events"]
        assert [e["payload"]["seq"] for e in missed] == list(range(seen + 1, seen + 1 + len(missed)))
        assert missed[-1]["event"] == "scan_result"
        fresh = events.call("sync", {"scans": 0})["data"]["streams"]["scans"]
    assert fresh["gap"] is True
    assert later in [e["payload"]["scan"]["id"] for e in fresh["snapshot"] if e["event"] == "scan_result"]


def test_findings_are_filtered_paged_and_exported_exactly_as_shown(rest):
    scan_id = upload(rest, trivy(450, EXPLOITED, text=10), name="paged")
    finished(rest, scan_id)
    shown, cursor = [], None
    while True:
        query = {"severity": "critical", "limit": 50, **({"cursor": cursor} if cursor else {})}
        page = rest.get(f"/api/scans/{scan_id}/findings", params=query).body
        shown += page["findings"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(shown) == page["total"] == len({each["id"] for each in shown})
    exported = rest.get(f"/api/scans/{scan_id}/findings/export", params={"severity": "critical", "format": "json"}).body
    assert exported["findings"] == shown
    table = rest.get(f"/api/scans/{scan_id}/findings/export", params={"severity": "critical"}).body
    assert len(table.splitlines()) == len(shown) + 1
    found = rest.get(
        f"/api/scans/{scan_id}/findings", params={"search": "package-7 something", "known_exploited": "false"}
    )
    assert {each["component"].startswith("package-7") for each in found.body["findings"]} == {True}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"hello", 400), (b'{"runs": [}', 201), ("[]".encode("utf-16"), 400), (b"\x1f\x8b00", 400)],
)
def test_what_cannot_be_read_is_refused_or_fails_in_the_standard_shape(rest, body, status):
    answer = rest.post("/api/scans", content=body, headers={"Content-Type": "application/octet-stream"})
    assert answer.status == status, answer.body
    if status == 201:
        scan = finished(rest, answer.body["id"])
        assert scan["status"] == "failed"
        assert scan["error"]["error_code"] == "VALIDATION_ERROR"
        assert "not valid JSON" in scan["error"]["details"]
    else:
        assert {"error", "error_code", "error_id", "message"} <= answer.body.keys()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Type: text/plain\r\nContent-Length: 4000", b"CVE-2024-1234\nCVE-2024-5678\n"),
        (
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 4000",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nCVE-2024-1234\n',
        ),
        ("Content-Type: text/plain\r\nTransfer-Encoding: chunked", b"400\r\nCVE-2024-1234\nCVE-2024-5678\n"),
    ],
    ids=["body", "form", "chunks"],
)
def test_an_upload_that_breaks_off_is_refused_and_leaves_nothing(jupiter, rest, head, body):
    before = rest.get("/api/scans").body["total"]
    host, port = jupiter.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(
            f"POST /api/scans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {jupiter.token}\r\n{head}\r\n\r\n".encode()
        )
        line.sendall(body)
        line.shutdown(socket.SHUT_WR)
        answer = line.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert b"broke off" in answer
    assert rest.get("/api/scans").body["total"] == before
    assert list((jupiter.folder / "var" / "scans").glob("*.part")) == []


def test_an_upload_above_the_limit_is_refused_and_leaves_nothing(tmp_path, catalogue):
    small = {**catalogue.environ(), "JUPITER_MAX_SCAN_BYTES": "100000"}
    with Jupiter(tmp_path / "small", small).start() as jupiter, jupiter.rest() as rest:
        for options in (
            {"content": b"CVE-2024-1234\n" * 20_000, "headers": {"Content-Type": "text/plain"}},
            {"files": {"file": ("x.txt", b"CVE-2024-1234\n" * 7_200)}},
        ):
            answer = rest.post("/api/scans", **options)
            assert answer.status == 413, answer.body
        assert list((tmp_path / "small" / "var" / "scans").glob("*")) == []
        assert rest.get("/api/scans").body["total"] == 0
        assert rest.get("/livez").status == 200


def test_a_new_entry_of_the_catalogue_that_hits_an_earlier_scan_raises_one_alert_by_itself(jupiter, rest, catalogue):
    name = "CVE-2026-77001"
    report = {
        "Results": [
            {"Target": f"host {n}", "Vulnerabilities": [{"VulnerabilityID": name, "PkgName": "x"}]} for n in range(5)
        ]
    }
    report["SchemaVersion"], report["ArtifactName"] = 2, "x"
    scan_id = upload(rest, json.dumps(report).encode(), name="before it was known")
    assert finished(rest, scan_id)["known_exploited"] == 0
    assert rest.post("/api/watch-list", json={"term": "globex firewall"}).status == 201
    with jupiter.events() as events:
        catalogue.add(name)
        catalogue.add("CVE-2026-77002", vendor="Globex", product="Firewall Pro")
        raised = events.wait_for("alert_raised", lambda p: p["alert"]["subject"] == name, timeout=30)["alert"]
        watched = events.wait_for("alert_raised", lambda p: p["alert"]["subject"] == "CVE-2026-77002", timeout=30)[
            "alert"
        ]
        assert raised["details"]["scans"] == [{"scan_id": scan_id, "name": "before it was known", "findings": 5}]
        assert watched["details"]["watched"] == ["globex firewall"]
        assert rest.get("/api/alerts").body["open"] == 2
        eventually(lambda: rest.get(f"/api/scans/{scan_id}").body["known_exploited"] == 5)
        top = rest.get(f"/api/scans/{scan_id}/findings").body["findings"][0]
        assert top["known_exploited"] is True
        assert "Known to be exploited" in top["reasons"][0]
        seen = catalogue.requests
        eventually(lambda: catalogue.requests > seen + 6, timeout=60)  # so many refreshes later it is still one alert
        assert len([p for p in events.named("alert_raised") if p["alert"]["subject"] == name]) == 1
        assert rest.post(f"/api/alerts/{raised['id']}/acknowledge").body["status"] == "acknowledged"
        assert rest.post(f"/api/alerts/{raised['id']}/resolve").body["status"] == "resolved"
        events.wait_for("alert_resolved", lambda p: p["alert"]["id"] == raised["id"])
        snapshot = events.call("sync", {"alerts": 0})["data"]["streams"]["alerts"]["snapshot"]
        assert [e["payload"]["alert"]["subject"] for e in snapshot] == ["CVE-2026-77002"]


def test_a_scan_can_be_joined_anew_and_deleted(rest, catalogue):
    scan_id = upload(rest, b"CVE-2026-88001\nCVE-2020-0001\n", name="anew")
    finished(rest, scan_id)
    catalogue.add("CVE-2026-88001")
    eventually(lambda: rest.get("/api/threats", params={"search": "CVE-2026-88001"}).body["total"] == 1, timeout=20)
    eventually(lambda: rest.post(f"/api/scans/{scan_id}/rescan").status == 202)
    eventually(
        lambda: (s := rest.get(f"/api/scans/{scan_id}").body)["status"] == "completed" and s["known_exploited"] == 1
    )
    assert rest.send("DELETE", f"/api/scans/{scan_id}").status == 204
    assert rest.get(f"/api/scans/{scan_id}").status == 404
    assert rest.send("DELETE", f"/api/scans/{uuid.uuid4()}").status == 404
