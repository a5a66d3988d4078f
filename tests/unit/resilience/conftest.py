"""What the kit's tests share."""

import pytest

from backend.resilience.testing import FakeClock


@pytest.fixture
def clock():
    """Time that moves only when told to."""
    return FakeClock()
