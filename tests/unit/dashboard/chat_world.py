"""A chat with everything around it in the test's hands."""

import itertools
from types import SimpleNamespace

from backend.dashboard.chat.service import ChatService
from backend.llm.provider import NullProvider
from backend.resilience.testing import FakeClock
from backend.storage.sqlite import SqliteDatabase

ME, SOMEBODY = "analyst-1", "analyst-2"
RECORDS = [
    {
        "id": "CVE-2026-0001",
        "title": "Acme Gateway injection",
        "summary": "Commands can be run.",
        "vendor": "Acme",
        "severity": "critical",
        "epss": 0.91,
        "known_exploited": True,
        "ransomware": True,
        "due_date": "2026-01-20",
        "required_action": "Update.",
        "date_added": "2025-12-01",
        "published": "2025-11-30",
        "references": ["https://acme.example/advisory"],
        "as_of": "2026-01-01T00:00:00+00:00",
    },
    {
        "id": "CVE-2026-0002",
        "title": "Beta Mail overflow",
        "summary": "",
        "vendor": "Beta",
        "severity": None,
        "epss": 0.02,
        "known_exploited": True,
        "ransomware": False,
        "date_added": "2025-12-31",
        "references": [],
        "as_of": "2026-01-01T00:00:00+00:00",
    },
    {
        "id": "DEMO-2026-0003",
        "title": "<img src=x onerror=alert(1)> *Gamma* [x](javascript:alert(1))",
        "summary": None,
        "epss": None,
        "known_exploited": False,
        "ransomware": None,
        "references": ["javascript:alert(1)", "https://gamma.example/1"],
        "as_of": None,
    },
]
STATUS = {
    "health": "degraded",
    "features": {
        "grok_chat": {"enabled": True, "circuit_breaker": "closed", "failures": 0},
        "threat_intelligence": {"enabled": False, "circuit_breaker": "open", "failures": 5, "reason": "hung"},
    },
    "errors": {"total_errors": 7, "errors_by_type": {}, "error_rate": 0.1},
}


def find(*, text="", ids=(), limit=10):
    """Search as ThreatService.find does: by id, by words, or the first of all."""
    named = [record for record in RECORDS if record["id"] in ids]
    if ids or not text:
        return (named if ids else RECORDS)[:limit]
    words = set(text.lower().split())
    return [record for record in RECORDS if words & set(record["title"].lower().split())][:limit]


class Model:
    """A language model that follows a script of pieces and errors."""

    name = "grok"
    model = "grok-test"
    configured = True

    def __init__(self, *script, finish="stop"):
        self.script = list(script)
        self.finish = finish
        self.asked = []
        self.given = 0
        self.chosen = None
        self.closed = 0

    def warm_up(self):
        pass

    def stream(self, messages, *, on_finish=None, model=None):
        self.asked.append(messages)
        self.chosen = model
        try:
            for piece in self.script:
                self.given += 1
                if isinstance(piece, BaseException):
                    raise piece
                yield piece() if callable(piece) else piece
            if on_finish:
                on_finish(self.finish)
        finally:
            self.closed += 1


class PlainGuard:
    """Lets everything through, or rejects it with `error`."""

    def __init__(self):
        self.error = None
        self._streams = []  # kept, so that only closing them ends them

    def stream(self, make_iterator):
        self._streams.append(self._stream(make_iterator))
        return self._streams[-1]

    def _stream(self, make_iterator):
        if self.error is not None:
            raise self.error
        yield from make_iterator()


class Tasks:
    """Keeps what is spawned until the test runs it."""

    def __init__(self):
        self.waiting = []
        self.killed = 0

    def spawn(self, func, *args):
        self.waiting.append(lambda: func(*args))
        return SimpleNamespace(kill=self._kill, wait=lambda timeout=None: True)

    def _kill(self):
        self.killed += 1

    def run(self):
        while self.waiting:
            self.waiting.pop(0)()


class Flaky:
    """A database that can be taken away."""

    def __init__(self, database):
        self._database = database
        self.away = False
        self.behind = 0  # so many answers to come are of before the rows were written

    def execute_query(self, table, operation, **options):
        if self.behind and (table, operation) == ("messages", "select"):
            self.behind -= 1
            return {"success": True, "data": [], "error": None, "response_time": 0.0}
        if isinstance(self.away, Exception):
            raise self.away
        if self.away:
            return {"success": False, "data": [], "error": "gone", "response_time": 0.0, "code": "unavailable"}
        return self._database.execute_query(table, operation, **options)

    def close(self):
        self._database.close()


def direct(func, *args, **kwargs):
    return func(*args, **kwargs)


class World:
    """The chat and what it touched."""

    def __init__(self, path, llm=None, **options):
        self.clock = FakeClock()
        self.database = Flaky(SqliteDatabase(path / "chat.db", offload=direct))
        self.llm = llm or NullProvider()
        self.guard = PlainGuard()
        self.tasks = Tasks()
        self.events = []
        self.recorded = []
        self.feature = {"enabled": True, "circuit_breaker": "closed", "failures": 0, "dependencies": {}}
        self._ids = (f"00000000-0000-4000-8000-{number:012}" for number in itertools.count(1))
        self.options = options
        self.chat = self.another()

    def another(self):
        """Return a chat on the same database, as after a restart or in another process."""
        return ChatService(
            self.database,
            self.llm,
            self.guard,
            **{
                "threats_find": find,
                "status": lambda: STATUS,
                "feature_status": lambda: self.feature,
                "emit": lambda user, event, payload: self.events.append((user, event, payload)),
                "record_error": lambda *error: self.recorded.append(error),
                "clock": self.clock,
                "spawn": self.tasks.spawn,
                "id_factory": lambda: next(self._ids),
                **self.options,
            },
        )

    def ask(self, text="Hello?", conversation_id=None, **options):
        """Ask, let the answer be made, and return its last event's name and payload."""
        self.clock.advance(1)
        ids = self.chat.send(ME, text, conversation_id, **options)
        self.tasks.run()
        assert self.events[-1][2]["message_id"] == ids["message_id"]
        return self.events[-1][1:]

    def named(self, event):
        """Return the payloads of one event."""
        return [payload for _, name, payload in self.events if name == event]

    def last_message(self, conversation_id, user=ME):
        """Return the newest message of a conversation as its history shows it."""
        return self.chat.history(user, conversation_id)["messages"][-1]
