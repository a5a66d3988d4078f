"""Experiments over HTTP and sockets: deletion, restoring, files in and out, and who is told of a change."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.support.client import eventually
from tests.support.server import NOWHERE
from tests.support.site import Site

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "var")
    yield made
    made.close()


@pytest.fixture
def ann(site):
    return site.client(site.token("analyst", user="ann"))


def create(client, *names, **more):
    made = []
    for name in names:
        answer = client.post("/api/experiments", json={"name": name, "experiment_type": "benchmark", **more})
        assert answer.status_code == 201, answer.json
        made.append(answer.json)
    return made


def names(client, query=""):
    return [row["name"] for row in client.get(f"/api/experiments{query}").json["experiments"]]


def test_an_experiment_is_deleted_softly_and_restored(site, ann):
    (made,) = create(ann, "mine")
    address = f"/api/experiments/{made['id']}"
    gone = ann.delete(address)
    assert (gone.status_code, gone.json["deleted_at"] is not None) == (200, True)
    assert ann.get(address).status_code == 404
    assert ann.delete(address).status_code == 404
    assert (names(ann), names(ann, "?deleted=true")) == ([], ["mine"])
    assert ann.get("/api/dashboard/summary").json["total_experiments"] == 0
    eve = site.client(site.token("analyst", user="eve"))
    assert eve.post(f"{address}/restore").status_code == 404
    assert site.client().post(f"{address}/restore").status_code == 200
    assert names(ann) == ["mine"]
    viewer = site.client(site.token("viewer", user="ann"))
    assert viewer.delete(address).status_code == 403
    assert viewer.post(f"{address}/restore").status_code == 403


def test_the_list_is_narrowed_by_days_type_status_and_words(ann):
    create(ann, "alpha", status="failed")
    create(ann, "beta")
    assert names(ann, "?status=failed") == ["alpha"]
    assert names(ann, "?created_from=2020-01-01T00:00:00%2B02:00&search=BET") == ["beta"]
    assert names(ann, "?created_to=2020-01-01") == []
    told = ann.get("/api/experiments").json
    assert told["types"] == ["security_scan", "chaos_drill", "ab_test", "benchmark"]
    for wrong in ("created_from=yesterday", "deleted=perhaps", "colour=red", "type=dance"):
        assert ann.get(f"/api/experiments?{wrong}").status_code == 422


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_exported_is_what_is_listed_and_can_be_taken_in_elsewhere(site, ann, tmp_path, form):
    create(ann, "=cmd|' /C calc'!A0", "plain", "other")
    kind = CSV if form == "csv" else {"Content-Type": "application/json"}
    answer = ann.get(f"/api/experiments/export?format={form}&search=l&sort=name")
    assert answer.status_code == 200
    assert f'filename="experiments.{form}"' in answer.headers["Content-Disposition"]
    rows = json.loads(answer.data) if form == "json" else list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == [
        row["id"] for row in ann.get("/api/experiments?search=l&sort=name").json["experiments"]
    ]
    if form == "csv":
        assert rows[0]["name"].startswith("'=cmd")
    there = Site(tmp_path / "there")
    bob = there.client(there.token("analyst", user="bob"))
    for accepted in (len(rows), 0):
        report = bob.post("/api/experiments/import", data=answer.data, headers=kind)
        assert (report.status_code, report.json["accepted"]) == (200, accepted)
    assert sorted(names(bob)) == sorted(["=cmd|' /C calc'!A0", "plain"])
    there.close()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", CSV, 422),
        (b"\xff\xfe", CSV, 400),
        (b'name,experiment_type\n"open', CSV, 400),
        (b"name,colour\n", CSV, 422),
        (b"{", {"Content-Type": "application/json"}, 400),
        (b'"text"', {"Content-Type": "application/json"}, 422),
        (b"name,experiment_type\nx,benchmark\n", {"Content-Type": "text/plain"}, 400),
        (b"name,experiment_type\n" + b"x" * 6_000_000, CSV, 413),
        (b"name,experiment_type\n" + b"x,benchmark\n" * 10_001, CSV, 413),
    ],
    ids=["empty", "binary", "open-quote", "columns", "no-json", "no-list", "other-type", "too-large", "too-many"],
)
def test_a_file_that_cannot_be_taken_in_is_refused_with_the_standard_body(ann, body, headers, status):
    answer = ann.post("/api/experiments/import", data=body, headers=headers)
    assert answer.status_code == status, answer.json
    assert {"error", "error_code", "error_id", "message"} <= answer.json.keys()
    assert names(ann) == []


def test_a_file_larger_than_other_bodies_may_be_is_taken_in(ann):
    rows = "".join(f"number {number},benchmark,{'x' * 300}\n" for number in range(2000))
    body = f"name,experiment_type,description\n{rows}".encode()
    assert len(body) > 262_144
    report = ann.post("/api/experiments/import", data=body, headers=CSV).json
    assert (report["total"], report["accepted"], len(report["rows"])) == (2000, 2000, 2000)
    assert ann.get("/api/dashboard/summary?force_refresh=1").json["total_experiments"] == 2000


def test_types_and_statuses_are_those_of_the_settings(tmp_path):
    from backend.config import RecordSettings

    records = RecordSettings(experiment_types=("dance",), experiment_statuses=("planned", "completed"))
    site = Site(tmp_path / "var", records=records)
    client = site.client()
    made = client.post("/api/experiments", json={"name": "waltz", "experiment_type": "dance"})
    assert (made.status_code, made.json["status"]) == (201, "planned")
    assert client.post("/api/experiments", json={"name": "x", "experiment_type": "benchmark"}).status_code == 422
    assert client.get("/api/experiments?type=dance").json["total"] == 1
    assert client.get("/api/dashboard/summary").json["experiments_by_type"] == {"dance": 1}
    site.close()


def test_the_outbox_is_the_administrators_and_every_act_is_noted(site, ann):
    from backend.storage.outbox.entries import Write

    outbox = site.jupiter.adapters.database.outbox
    for name in ("one", "two"):
        outbox.add([Write("experiments", "update", "00000000-0000-4000-8000-000000000001", "ann", {"name": name})])
        outbox.set_aside(outbox.pending(1)[0], "refused")
    assert ann.get("/api/outbox").status_code == 403
    admin = site.client()
    listed = admin.get("/api/outbox?state=set_aside").json
    assert (listed["set_aside"], [entry["error"] for entry in listed["entries"]]) == (2, ["refused", "refused"])
    page = admin.get("/api/outbox?limit=1").json
    assert admin.get(f"/api/outbox?limit=1&cursor={page['next_cursor']}").json["next_cursor"] is None
    first, second = (entry["id"] for entry in listed["entries"])
    assert admin.post(f"/api/outbox/{first}/retry").json["success"] is True
    assert admin.post(f"/api/outbox/{first}/discard").status_code == 404, "it waits again"
    assert admin.post(f"/api/outbox/{second}/discard").json["success"] is True
    counts = outbox.counts()
    assert (counts.pending, counts.set_aside) == (1, 0)
    noted = site.jupiter.adapters.database.inner.execute_query("audit_log", "select")["data"]
    assert {row["action"] for row in noted} >= {"retry_outbox_entry", "discard_outbox_entry"}
    assert admin.get("/api/dashboard/health").json["checks"]["outbox"]["status"] == "degraded"


def test_every_change_is_pushed_to_the_owners_sockets_and_to_nobody_elses(serve):
    jupiter = serve({**NOWHERE})
    ann_token, eve_token = (jupiter.token_for(user, "analyst") for user in ("ann", "eve"))
    with (
        jupiter.events(ann_token) as ann,
        jupiter.events(eve_token) as eve,
        jupiter.rest(ann_token) as rest,
    ):
        made = rest.post("/api/experiments", json={"name": "a", "experiment_type": "benchmark"}).body
        ann.wait_for("summary_update", lambda told: told["total_experiments"] == 1)
        file = b"name,experiment_type\nb,benchmark\nc,benchmark\n"
        rest.post("/api/experiments/import", content=file, headers=CSV)
        ann.wait_for("summary_update", lambda told: told["total_experiments"] == 3)
        rest.send("DELETE", f"/api/experiments/{made['id']}")
        ann.wait_for("summary_update", lambda told: told["total_experiments"] == 2)
        mark = ann.mark()
        rest.post(f"/api/experiments/{made['id']}/restore")
        ann.wait_for("summary_update", lambda told: told["total_experiments"] == 3, since=mark)
        with jupiter.rest() as admin:
            admin.send("PATCH", f"/api/experiments/{made['id']}", json={"status": "completed"})
        ann.wait_for("summary_update", lambda told: told["experiments_by_status"].get("completed") == 1)
        assert eve.named("summary_update") == []
        assert eventually(lambda: rest.get("/api/dashboard/summary").body["total_experiments"] == 3)
