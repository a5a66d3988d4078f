"""The model's server, as a real Redis: its scripts, its keys and its messages, by the model's clock."""

import json

import redis

from backend.resilience.fleet.memory import MemorySubscription
from backend.resilience.fleet.redis_server import RedisServer, script
from backend.resilience.fleet.tally import Tally
from tests.model.network import NAME

CLOCK = "clock"
_GET = f"tonumber(redis.call('GET', '{CLOCK}'))"
_NOW = f"math.floor({_GET} / 1000), {_GET} % 1000 * 1000"


def with_the_models_clock(noun):
    """Return the script as it is, but with the time that the model has set."""
    source, _ = script(noun)
    changed = source.replace("redis.call('TIME')", f"{{{_NOW}}}")
    assert changed != source
    return changed, redis.Redis(host="unused").register_script(changed).sha


class RemoteArbiter:
    """What the model looks at of an arbiter, read from its keys."""

    def __init__(self, client, prefix):
        self._client = client
        self._prefix = prefix

    @property
    def _state(self):
        return json.loads(self._client.get(f"{self._prefix}breaker:{NAME}") or "{}")

    @property
    def record(self):
        return self._state.get("record", {})

    @property
    def _tally(self):
        tally = Tally()
        tally.run = self._state.get("run", 0)
        kept = self._client.hgetall(f"{self._prefix}counts:{NAME}")
        tally._buckets = {worker.decode(): {"run": None, **json.loads(bucket)} for worker, bucket in kept.items()}
        return tally

    def forget_counts(self):
        self._client.delete(f"{self._prefix}counts:{NAME}")


class RealServer:
    """A `WatchedServer` on Redis. One question at a time, so that no record it held is missed."""

    def __init__(self, clock, client):
        self.log = []
        self.now = clock.monotonic
        self._clock = clock
        self._client = client
        self._server = RedisServer(client, installation="model", source=with_the_models_clock)
        self._prefix = "jupiter:{model}:"
        self._subscriptions = []
        self._pubsub = client.pubsub()
        self._pubsub.subscribe(f"{self._prefix}news")
        self.forget()

    @property
    def arbiters(self):
        return {NAME: RemoteArbiter(self._client, self._prefix)}

    def forget(self):
        self._client.flushdb()

    def ask(self, requests):
        return [self._one(request) for request in requests]

    def subscribe(self):
        made = MemorySubscription()
        self._subscriptions.append(made)
        return made

    def close(self):
        self._pubsub.close()

    def _one(self, request):
        self._client.set(CLOCK, int(self._clock.now().timestamp() * 1000))
        before = self.arbiters[NAME].record
        (reply,) = self._server.ask([request])
        after = self.arbiters[NAME].record
        if after != before:
            self.log.append(after)
        self._pass_on()
        return reply

    def _pass_on(self):
        """Hand out what Redis has published; the answer to a ping comes after all of it."""
        self._pubsub.ping()
        self._subscriptions = [each for each in self._subscriptions if not each.closed]
        while (message := self._pubsub.get_message(timeout=5)) is None or message["type"] != "pong":
            if message is not None and message["type"] == "message":
                for each in self._subscriptions:
                    each.messages.append(json.loads(message["data"]))
