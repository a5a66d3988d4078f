"""What several integration tests need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.supabase_lite import SupabaseLite


@pytest.fixture(scope="session")
def supabase_lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupabaseLite]:
    """Supabase's protocol over a real PostgreSQL: one for all tests, it takes its time to start."""
    from tests.support.supabase_lite import SupabaseLite

    made = SupabaseLite(tmp_path_factory.mktemp("supabase"))
    made.start()
    yield made
    made.stop()
