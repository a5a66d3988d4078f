"""The bulkhead."""

import pytest

from backend.errors import BulkheadFullError
from backend.resilience import Bulkhead


def test_as_many_as_there_are_places():
    bulkhead = Bulkhead(2, "kev")
    bulkhead.enter()
    bulkhead.enter()
    with pytest.raises(BulkheadFullError, match="kev: all 2 places are taken"):
        bulkhead.enter()
    assert bulkhead.taken == 2
    bulkhead.leave()
    bulkhead.enter()


def test_one_place_is_enough():
    bulkhead = Bulkhead(1)
    assert bulkhead.taken == 0
    bulkhead.enter()
    assert bulkhead.taken == 1


def test_a_bulkhead_without_places_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Bulkhead(0)
