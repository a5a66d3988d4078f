"""What the processes of an installation share over Redis: breakers, retry budgets, errors. See README.md beside it."""

from backend.resilience.fleet.budget import FleetRetryBudget
from backend.resilience.fleet.errors import FleetErrors
from backend.resilience.fleet.fleet import Fleet, connect
from backend.resilience.fleet.memory import MemoryServer
from backend.resilience.fleet.redis_server import RedisServer
from backend.resilience.fleet.storage import RedisBreakerStorage
from backend.resilience.fleet.timing import Timing

__all__ = [
    "Fleet",
    "FleetErrors",
    "FleetRetryBudget",
    "MemoryServer",
    "RedisBreakerStorage",
    "RedisServer",
    "Timing",
    "connect",
]
