"""Scans, findings, watch lists and alerts on Supabase: with their own token people reach their own rows alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from backend.storage.database import rows
from backend.storage.supabase import SupabaseDatabase
from tests.support.supabase_lite import SupabaseLite

pytestmark = pytest.mark.node

ADA, EVE = (str(uuid.UUID(int=number)) for number in (11, 12))
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def server(supabase_lite: SupabaseLite) -> Iterator[SupabaseDatabase]:
    """The database as the server itself sees it."""
    supabase_lite.empty()
    made = SupabaseDatabase(supabase_lite.url, supabase_lite.key)
    yield made
    made.close()


def row(table: str, owner: str, **more: Any) -> dict[str, Any]:
    own: dict[str, dict[str, Any]] = {
        "scans": {"name": "x", "format": "sarif", "created_at": NOW, "updated_at": NOW, "counts": {"findings": 1}},
        "findings": {"vulnerability": "CVE-2024-1", "severity": "high", "rank": "0050", "updated_at": NOW},
        "watch_list": {"kind": "product", "term": "acme", "created_at": NOW},
        "alerts": {"rule": "r", "subject": "s", "severity": "high", "title": "t", "raised_at": NOW, "updated_at": NOW},
    }
    return {"id": str(uuid.uuid4()), "user_id": owner, **own[table], **more}


def test_people_see_and_write_their_own_rows_alone(server: SupabaseDatabase, supabase_lite: SupabaseLite) -> None:
    """In each of the tables, and findings only into one's own scans."""
    ada = server.as_user(supabase_lite.token(ADA))
    scans = {owner: row("scans", owner) for owner in (ADA, EVE)}
    rows(server.execute_query("scans", "insert", data=list(scans.values())))
    for table in ("findings", "watch_list", "alerts"):
        more = {owner: {"scan_id": scans[owner]["id"]} if table == "findings" else {} for owner in (ADA, EVE)}
        rows(server.execute_query(table, "insert", data=[row(table, owner, **more[owner]) for owner in (ADA, EVE)]))
    for table in ("scans", "findings", "watch_list", "alerts"):
        assert [found["user_id"] for found in rows(ada.execute_query(table, "select"))] == [ADA], table
        more = {"scan_id": scans[ADA]["id"]} if table == "findings" else {}
        refused = ada.execute_query(table, "insert", data=row(table, EVE, **more))
        assert (refused["success"], refused.get("code")) == (False, "forbidden"), table
    into_hers = ada.execute_query("findings", "insert", data=row("findings", ADA, scan_id=scans[EVE]["id"]))
    assert (into_hers["success"], into_hers.get("code")) == (False, "forbidden")


def test_a_scan_that_is_deleted_takes_its_findings_along(server: SupabaseDatabase) -> None:
    """And findings are counted by group, as the use cases ask for them."""
    scan = row("scans", ADA)
    rows(server.execute_query("scans", "upsert", data=scan))
    found = [row("findings", ADA, scan_id=scan["id"], severity=s) for s in ("high", "high", "low")]
    rows(server.execute_query("findings", "upsert", data=found))
    groups = rows(server.execute_query("findings", "count", columns="severity,known_exploited"))
    assert [(g["severity"], g["known_exploited"], g["count"]) for g in groups] == [("high", "no", 2), ("low", "no", 1)]
    rows(server.execute_query("scans", "delete", filters=[{"column": "id", "value": scan["id"]}]))
    assert rows(server.execute_query("findings", "select")) == []
