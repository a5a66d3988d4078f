"""The log of all workers: what happens while the line to it goes and comes back, to the microsecond."""

import pytest

from backend.realtime.shared_replay import SharedReplay
from backend.resilience.testing import FakeClock
from tests.support.shared_log import Line, LogServer

GAUGES = frozenset({"status"})


class Worker:
    """One worker: its line, its log, and what its tabs were sent."""

    def __init__(self, server, name, clock, chance=0.5):
        self.line = Line(server, name)
        self.seen = []
        self.sent_away = []
        self.replay = SharedReplay(
            self.line,
            server.log(self.line),
            self,
            gauges=GAUGES,
            everybodys=("status", "notice"),
            kept={"chat": 1024},
            clock=clock,
            random=lambda: chance,
        )
        self.line.open()

    def has(self, user):
        return user in ("", "ann")

    def deliver(self, stream, pushed, *, user):
        self.seen.append((stream, pushed.seq, pushed.payload["n"]))

    def send_away(self, user):
        self.sent_away.append(user)

    def say(self, number, stream="chat", user="ann"):
        pushed = self.replay.add(stream, "event", {"n": number}, user=user)
        if pushed is not None:
            self.deliver(stream, pushed, user=user)
        return pushed

    def told(self, stream="chat"):
        self.line.hear()
        return [n for name, _, n in self.seen if name == stream]

    def numbers(self, stream="chat"):
        return [seq for name, seq, _ in self.seen if name == stream]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server(clock):
    return LogServer(lambda: int(clock.now().timestamp() * 1_000_000))


@pytest.fixture
def workers(server, clock):
    made = [Worker(server, name, clock) for name in "ab"]
    for worker in made:
        worker.replay.last_seq("chat", user="ann")
    return made


def complete(worker, numbers, stream="chat"):
    assert worker.told(stream) == numbers
    seqs = worker.numbers(stream)
    assert seqs == sorted(set(seqs)), "a number twice, or back"
    assert worker.sent_away == []


@pytest.mark.parametrize("questions", range(7))
def test_what_is_said_while_the_line_comes_back_is_neither_lost_nor_doubled(workers, questions):
    """Found by reading: what was numbered before the stream was lifted came back below what the tabs had seen."""
    a, b = workers
    a.say(1)
    assert a.told() == [1]
    a.line.cut()
    a.say(2)
    a.say(3)
    a.line.meanwhile = [lambda: None] * questions + [lambda: a.say(4)]
    a.line.open()
    if a.line.meanwhile:
        a.line.meanwhile = []
        a.say(4)
    a.say(5)
    complete(a, [1, 2, 3, 4, 5])
    complete(b, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("questions", range(7))
def test_a_gauge_that_changes_while_the_line_comes_back_is_shown(workers, questions):
    a, _ = workers
    a.say(1, "status", "")
    a.line.cut()
    a.say(2, "status", "")
    a.line.meanwhile = [lambda: None] * questions + [lambda: a.say(3, "status", "")]
    a.line.open()
    a.line.meanwhile = []
    assert a.told("status")[-1] == (3 if 3 in [n for _, _, n in a.seen] else 2)
    a.say(4, "status", "")
    assert a.told("status")[-1] == 4
    assert a.numbers("status") == sorted(set(a.numbers("status")))


def test_a_line_that_goes_again_while_it_is_handed_in_loses_nothing(workers):
    a, b = workers
    a.line.cut()
    for number in range(4):
        a.say(number)
    a.line.meanwhile = [lambda: None] * 4 + [a.line.cut]
    a.line.open()
    a.say(4)
    a.line.open()
    a.say(5)
    complete(a, list(range(6)))
    complete(b, list(range(6)))


@pytest.mark.parametrize("questions", range(4))
def test_numbers_go_on_above_those_seen_where_redis_remembers_older_ones(workers, server, questions):
    """It was restarted from a snapshot; something is said before all streams have been caught up with."""
    a, b = workers
    for number in range(5):
        a.say(number)
    assert (a.told(), b.told()) == (list(range(5)), list(range(5)))
    for worker in workers:
        worker.line.cut()
    server.heads["chat", "ann"] -= 3
    for _ in range(3):
        server.entries["chat", "ann"].pop()
    a.line.meanwhile = [lambda: None] * questions + [lambda: a.say(5)]
    a.line.open()
    if a.line.meanwhile:
        a.line.meanwhile = []
        a.say(5)
    a.say(6)
    if a.sent_away:
        assert a.replay.since("chat", a.numbers()[4], user="ann") is None, "they are told of a gap"
    else:
        assert a.told() == list(range(7))
    assert a.numbers() == sorted(set(a.numbers()))


@pytest.mark.parametrize("unheard", ["of another", "its own"])
def test_a_hole_below_what_was_said_alone_is_told_as_a_gap(workers, unheard):
    a, b = workers
    a.say(1)
    assert a.told() == [1]
    if unheard == "its own":
        a.say(2)  # the line breaks before it comes back
    a.line.cut()
    if unheard == "of another":
        b.say(2)
    a.say(3)
    a.say(4)
    a.line.open()
    assert a.sent_away == ["ann"]
    assert [a.replay.since("chat", seq, user="ann") for seq in a.numbers()[1:]] == [None, None]
    a.say(5)
    assert (a.told(), b.told()) == ([1, 3, 4, 5], [1, 2, 3, 4, 5])
    assert b.sent_away == []
    assert [pushed.payload["n"] for pushed in b.replay.since("chat", b.numbers()[1], user="ann")] == [3, 4, 5]


def test_what_the_server_did_after_all_is_no_hole(workers):
    """A frozen server does what it was asked, when nobody waits for it any more."""
    a, b = workers
    a.line.loses_an_answer = True
    a.say(1)
    a.say(2)
    a.line.open()
    assert (a.told(), b.told(), a.sent_away) == ([1, 2], [1, 2], [])


def test_who_finds_the_line_open_before_it_knew_that_it_was_alone_hands_in_at_once(workers):
    """In threads the line may be opened between a call that fails and the note of what was said."""
    a, b = workers
    a.line.up = False
    a.say(1)
    a.line.up = True
    a.say(2)
    complete(a, [1, 2])
    complete(b, [1, 2])


def test_who_asks_while_the_line_comes_back_is_answered_from_what_is_kept_here(workers):
    a, _ = workers
    a.line.cut()
    first, _ = a.say(1), a.say(2)
    answers = []
    a.line.meanwhile = [lambda: answers.append(a.replay.since("chat", first.seq, user="ann"))]
    a.line.open()
    assert [[pushed.payload["n"] for pushed in each] for each in answers] == [[2]]


def test_a_worker_whose_clock_is_slow_does_not_number_as_the_others_do(server, clock):
    class Slow(FakeClock):
        def now(self):
            return FakeClock.now(self).replace(year=2025)

    a, b = Worker(server, "a", Slow()), Worker(server, "b", clock)
    a.replay.last_seq("chat", user="ann")
    a.line.cut()
    theirs = [b.say(number) for number in (1, 2)]
    ours = [a.say(number) for number in (3, 4)]
    assert theirs == [None, None]
    b.line.hear()
    assert not {pushed.seq for pushed in ours} & set(b.numbers())


def test_of_a_gauge_only_the_newest_is_kept_while_the_line_is_down(workers):
    """A picture of all threats is large, and none of them is handed in."""
    a, _ = workers
    a.line.cut()
    for number in range(100):
        a.say(number, "status", "")
    assert len(a.replay._alone["status", ""]) == 1
