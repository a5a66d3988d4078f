"""Two workers, a tab of one person on each, and a line that comes and goes: a tab shows everything, and nothing twice.

A tab does what `static/js/logic/sequence.js` does: it drops what it has seen, and asks where a number is missing. Where
it is told of a gap it reads what the database has, which is everything that was said.
"""

from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from backend.realtime.shared_replay import SharedReplay
from backend.resilience.testing import FakeClock
from tests.support.shared_log import Line, LogServer

KEPT = 8
STEPS = st.one_of(
    st.tuples(st.sampled_from(["say", "say", "say", "hear", "cut", "open", "lose", "answer"]), st.integers(0, 1)),
    st.tuples(st.just("while opening"), st.integers(0, 1), st.integers(0, 6)),
    st.just(("restart", True)),
    st.just(("restart", False)),
)


class Tab:
    def __init__(self, worker, everything):
        self.worker = worker
        self.everything = everything
        self.last = worker.replay.last_seq("chat", user="ann")
        self.pushed, self.shown = [], set()

    def take(self, pushed):
        if pushed.seq > self.last + 1:
            self.sync()
        self._show(pushed)

    def sync(self):
        missed = self.worker.replay.since("chat", self.last, user="ann")
        if missed is None:
            self.last = self.worker.replay.last_seq("chat", user="ann")
            self.shown = set(self.everything)
            self.pushed = []
        for pushed in missed or ():
            self._show(pushed)

    def _show(self, pushed):
        if pushed.seq > self.last:
            self.last = pushed.seq
            self.pushed.append(pushed.payload["n"])
            self.shown.add(pushed.payload["n"])


class Worker:
    def __init__(self, server, name, everything, chance):
        self.line = Line(server, name)
        self.replay = SharedReplay(
            self.line,
            server.log(self.line, KEPT),
            self,
            gauges=frozenset(),
            kept={"chat": KEPT},
            clock=FakeClock(),
            random=lambda: chance,
        )
        self.line.open()
        self.away = False
        self.tab = Tab(self, everything)

    def has(self, user):
        return True

    def deliver(self, stream, pushed, *, user):
        self.tab.take(pushed)

    def send_away(self, user):
        self.away = True  # it comes back in a moment

    def come_back(self):
        if self.away:
            self.away = False
            self.tab.sync()


class History:
    def __init__(self):
        self.server = LogServer(lambda: 1_767_225_600_000_000)
        self.said = []
        self.workers = [Worker(self.server, name, self.said, chance) for name, chance in (("a", 0.2), ("b", 0.6))]

    def do(self, what, which=None, after=0):
        if what == "restart":
            self._restart(empty=which)
            return
        worker = self.workers[which]
        if what == "say":
            self.say(worker)
        elif what == "hear" and worker.line.up:
            worker.line.hear()
        elif what == "cut" and worker.line.up:
            worker.line.cut()
        elif what == "lose":
            worker.line.loses_an_answer = worker.line.up
        elif what == "answer":
            worker.come_back()
        elif what in ("open", "while opening") and not worker.line.up:
            if what == "while opening":
                worker.line.meanwhile = [lambda: None] * after + [lambda: self.say(worker)]
            worker.line.open()
            worker.line.meanwhile = []

    def say(self, worker):
        number = len(self.said)
        self.said.append(number)
        pushed = worker.replay.add("chat", "event", {"n": number}, user="ann")
        if pushed is not None:
            worker.deliver("chat", pushed, user="ann")

    def heal(self):
        for worker in self.workers:
            worker.line.loses_an_answer = False
            if not worker.line.up:
                worker.line.open()
        for _ in range(2):
            for worker in self.workers:
                self.say(worker)
            for worker in self.workers:
                worker.line.hear()
                worker.come_back()

    def _restart(self, empty):
        """It forgets only what has reached all: what nobody but Redis knew is lost with its memory."""
        forgets = empty and all(worker.line.up for worker in self.workers)
        for worker in self.workers:
            if worker.line.up:
                if forgets:
                    worker.line.hear()
                worker.line.cut()
        if forgets:
            self.server.forget()


@settings(max_examples=300, deadline=None, report_multiple_bugs=False)
@given(st.lists(STEPS, max_size=30))
@example([("say", 0), ("restart", False), ("say", 0), ("while opening", 0, 2)])  # found here, as those that follow
@example([("say", 0), ("lose", 0), ("say", 0)])
@example([("restart", True), ("say", 1), ("while opening", 0, 0), ("while opening", 1, 3)])
@example([("lose", 1), ("say", 1), ("restart", True), ("while opening", 0, 0), ("open", 1), ("restart", True)])
def test_whatever_happens_to_the_line_each_tab_shows_everything_and_nothing_twice(steps):
    history = History()
    note(steps)
    for step in steps:
        history.do(*step)
    history.heal()
    for worker in history.workers:
        tab = worker.tab
        assert tab.shown == set(history.said), "something is not shown"
        assert len(tab.pushed) == len(set(tab.pushed)), "something came twice"
