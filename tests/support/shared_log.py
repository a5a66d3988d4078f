"""The log of events that workers share, in memory: what `bus/event_log.py` does in Redis, for tests without one."""

from collections import deque

import orjson

from backend.bus.event_log import Entry
from backend.bus.wire import AwayError


class Line:
    """One worker's line: up or down as the test says; what the others do meanwhile, it says too."""

    def __init__(self, server, worker):
        self.worker = worker
        self.up = False
        self.meanwhile = []
        """Called one after the other, each while one question to the server is under way."""
        self.loses_an_answer = False
        """Whether it breaks when the server has done the next thing, before that is told."""
        self._server = server
        self._heard = deque()
        self._topics, self._on_up = {}, []

    def on(self, topic, told):
        self._topics[topic] = told

    def on_up(self, told, *, first=False):
        self._on_up.insert(0 if first else len(self._on_up), told)

    def open(self):
        self.up = True
        self._server.lines.append(self)
        for told in self._on_up:
            told()
        self.hear()

    def cut(self):
        """From now on it is down, and what was under way to us is lost."""
        self.up = False
        self._server.lines.remove(self)
        self._heard.clear()

    def take(self, message):
        self._heard.append(message)

    def hear(self):
        while self._heard:
            self._topics["push"](self._heard.popleft())

    def ask(self):
        if not self.up:
            raise AwayError("down")
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if not self.up:
            raise AwayError("down")


class LogServer:
    """What Redis holds."""

    def __init__(self, now=lambda: 1_767_225_600_000_000):
        self.now = now
        self.lines = []
        self.heads = {}
        self.entries = {}

    def forget(self):
        self.heads, self.entries = {}, {}

    def log(self, line, kept=1024):
        return MemoryLog(self, line, kept)


class MemoryLog:
    """An `EventLog` of one worker."""

    def __init__(self, server, line, kept):
        self._server = server
        self._line = line
        self._kept = kept

    def append(self, stream, event, payload, *, user, id, at, floor=0, digest="", within=0.0, again=False):
        self._line.ask()
        key = (stream, user)
        entries = self._server.entries.setdefault(key, deque(maxlen=self._kept))
        if again and any(entry.id == id for entry in entries):
            return None
        last = self._server.heads.get(key) or max(self._server.now(), floor)
        seq = max(last, floor) + 1
        self._server.heads[key] = seq
        entries.append(Entry(stream, user, event, seq, last, id, at, orjson.loads(payload)))
        told = {"stream": stream, "user": user, "event": event, "seq": seq, "before": last, "id": id, "at": at}
        for line in self._server.lines:
            line.take({**told, "payload": orjson.loads(payload)})
        if self._line.loses_an_answer:
            self._line.loses_an_answer = False
            self._line.cut()
            raise AwayError("no answer")
        return seq

    def since(self, stream, seq, *, user):
        self._line.ask()
        entries = [entry for entry in self._server.entries.get((stream, user), ()) if entry.seq > seq]
        if seq == self._server.heads.get((stream, user)):
            return []
        return entries if entries and entries[0].before == seq else None

    def last(self, stream, *, user):
        self._line.ask()
        return self._server.heads.setdefault((stream, user), self._server.now())

    def lift(self, stream, floor, *, user):
        self._line.ask()
        before = self._server.heads.get((stream, user), 0)
        self._server.heads[stream, user] = max(before, floor) or self._server.now()
        return before
