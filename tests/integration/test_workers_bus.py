"""What workers tell each other, over a real Redis that fails: two workers in this process, with lines of their own."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
import pytest

from backend import runtime
from backend.bus.counters import SharedCounters
from backend.bus.event_log import EventLog
from backend.bus.lease import Lease
from backend.bus.notes import Notes
from backend.bus.wire import AwayError, connect
from backend.dashboard.overrides import SharedOverrides
from backend.realtime.shared_replay import SharedReplay
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.testing import FakeClock
from backend.security.counters import MemoryCounters
from tests.support.client import eventually

pytestmark = pytest.mark.redis
KEPT = {"chat": 8}
GAUGES = frozenset({"status"})
PATIENT = 8.0  # seconds for a call: a Redis that is late is not one that is away, unless it is that which is tested
BRIEF = 0.45
LONG = 30.0  # of a role or a note that is not to end within a test


class Audience:
    """The sockets of one worker: everybody is there, and sees what is delivered."""

    def __init__(self):
        self.seen = []
        self.sent_away = []
        self.users = {"", "ann"}

    def has(self, user):
        return user in self.users

    def deliver(self, stream, pushed, *, user):
        self.seen.append((stream, pushed.seq, pushed.payload.get("n")))

    def send_away(self, user):
        self.sent_away.append(user)

    def numbers(self, stream):
        return [(seq, n) for name, seq, n in self.seen if name == stream]


class Worker:
    """One worker's line, log and audience."""

    def __init__(self, url, name):
        self.wire = connect(url, worker=name, timeout=PATIENT)
        self.audience = Audience()
        log = EventLog(self.wire, KEPT, otherwise=4)
        self.replay = SharedReplay(
            self.wire, log, self.audience, gauges=GAUGES, everybodys=("status", "notice"), kept=KEPT
        )

    def publish(self, stream, number, *, user="", **more):
        pushed = self.replay.add(stream, "event", {"n": number}, user=user, **more)
        if pushed is not None:  # alone
            self.audience.deliver(stream, pushed, user=user)
        return pushed


def impatient(workers):
    """From now on they wait for Redis no longer than they would in earnest."""
    for worker in workers:
        worker.wire._timeout = BRIEF


def patient(workers):
    """From now on they wait until it answers."""
    for worker in workers:
        worker.wire._timeout = PATIENT


@pytest.fixture
def workers(redis_server):
    with ExitStack() as ending:
        made = [Worker(redis_server.url, name) for name in "ab"]
        for worker in made:
            worker.wire.start(patience=20)
            ending.callback(worker.wire.stop)
            assert worker.wire.up
        yield made


def heard(wires):
    """Wait until all have worked on what was told so far, and on what was told in answer to that."""
    for _ in range(2):
        came = []
        for wire in wires:
            wire.on("mark", lambda _, wire=wire, came=came: came.append(wire))
        wires[0].tell("mark")
        eventually(lambda came=came: len(came) == len(wires))


def back(workers):
    """Wait until all have their line again, and have caught up: an open line alone is not enough."""
    eventually(lambda: all(worker.wire.up for worker in workers), timeout=30)
    heard([worker.wire for worker in workers])


def both_see(workers, stream, numbers, *, alike=True):
    """Wait until both have delivered just that; `alike`: under the same numbers."""

    def seen():
        told = [worker.audience.numbers(stream) for worker in workers]
        assert [[n for _, n in each] for each in told] == [numbers, numbers]
        return told[0] == told[1] or not alike

    eventually(seen, timeout=20)


def test_all_workers_deliver_the_same_in_the_same_order(workers):
    a, b = workers
    for number in range(20):
        (a, b)[number % 2].publish("chat", number, user="ann")
    both_see(workers, "chat", list(range(20)))
    seqs = [seq for seq, _ in a.audience.numbers("chat")]
    assert seqs == list(range(seqs[0], seqs[0] + 20))


def test_what_was_missed_is_told_by_any_worker_and_what_is_gone_is_a_gap(workers):
    a, b = workers
    begin = b.replay.last_seq("chat", user="ann")
    for number in range(5):
        a.publish("chat", number, user="ann")
    assert [pushed.payload["n"] for pushed in b.replay.since("chat", begin, user="ann")] == [0, 1, 2, 3, 4]
    assert [pushed.payload["n"] for pushed in b.replay.since("chat", begin + 3, user="ann")] == [3, 4]
    assert b.replay.since("chat", begin + 5, user="ann") == []
    assert b.replay.since("chat", begin + 99, user="ann") is None
    assert b.replay.since("chat", begin - 1, user="ann") is None
    for number in range(5, 12):  # more than is kept
        a.publish("chat", number, user="ann")
    assert b.replay.since("chat", begin + 3, user="ann") is None
    assert len(b.replay.since("chat", begin + 4, user="ann")) == 8


def test_who_has_nobody_there_delivers_nothing(workers):
    a, b = workers
    b.audience.users = {""}
    a.publish("chat", 1, user="ann")
    a.publish("notice", 2)
    eventually(lambda: b.audience.numbers("notice"), timeout=20)
    assert b.audience.numbers("chat") == []


def test_what_several_see_is_told_once_but_again_when_something_else_came_between(workers):
    a, b = workers
    for digest, number in (("off", 1), ("off", 1), ("on", 2), ("on", 2), ("off", 3)):
        (a if number % 2 else b).publish("status", number, digest=digest)
    both_see(workers, "status", [1, 2, 3])
    a.publish("notice", 1, digest="x", within=LONG)
    a.publish("notice", 2, digest="x", within=LONG)
    time.sleep(0.25)
    a.publish("notice", 3, digest="x", within=0.2)  # the newest is older than that
    both_see(workers, "notice", [1, 3])


@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_what_is_said_alone_is_handed_in_under_its_own_number(workers, redis_server, how):
    a, b = workers
    for worker in workers:
        worker.replay.last_seq("chat", user="ann")
    a.publish("chat", 1, user="ann")
    both_see(workers, "chat", [1])
    known = a.audience.numbers("chat")[-1][0]
    impatient(workers)
    redis_server.freeze() if how == "frozen" else redis_server.stop()
    began = time.monotonic()
    pushed = [a.publish("chat", number, user="ann") for number in (2, 3)]
    assert time.monotonic() - began < 2
    assert pushed[0].seq > known + 1
    assert pushed[1].seq == pushed[0].seq + 1
    assert [each.payload["n"] for each in a.replay.since("chat", known, user="ann")] == [2, 3]
    patient(workers)
    redis_server.thaw() if how == "frozen" else redis_server.start()
    back(workers)
    # a frozen Redis does what it was asked before it froze, under its own number, which is then not said again
    alike = how == "killed"
    both_see(workers, "chat", [1, 2, 3], alike=alike)
    b.publish("chat", 4, user="ann")
    both_see(workers, "chat", [1, 2, 3, 4], alike=alike)
    assert [each.payload["n"] for each in b.replay.since("chat", pushed[1].seq, user="ann")] == [4]
    first = b.replay.since("chat", pushed[0].seq, user="ann")
    assert [each.payload["n"] for each in first] == [3, 4] if alike else first is None
    assert (a.audience.sent_away, b.audience.sent_away) == ([], [])


def test_a_gauge_told_alone_is_not_handed_in_but_later_ones_are_above_it(workers, redis_server):
    a, b = workers
    a.publish("status", 1)
    both_see(workers, "status", [1])
    redis_server.stop()
    eventually(lambda: not a.wire.up and not b.wire.up, timeout=20)
    alone = a.publish("status", 2)
    redis_server.start()
    back(workers)
    b.publish("status", 3)
    eventually(lambda: a.audience.numbers("status")[-1][1] == 3, timeout=20)
    assert a.audience.numbers("status")[-1][0] > alone.seq
    heard([a.wire, b.wire])
    assert [n for _, n in b.audience.numbers("status")] == [1, 3]


def test_one_who_lost_the_line_alone_catches_up(workers):
    a, b = workers
    a.publish("notice", 1)
    both_see(workers, "notice", [1])
    b.wire.up = False  # as after an answer that did not come
    for number in (2, 3):
        a.publish("notice", number)
    both_see(workers, "notice", [1, 2, 3])


def test_a_line_that_is_down_makes_nobody_wait(workers, redis_server):
    a, _ = workers
    impatient(workers)
    redis_server.freeze()
    with pytest.raises(AwayError):
        a.wire.tell("x")
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(AwayError):
            a.wire.tell("x")
    assert time.monotonic() - began < 0.5


def test_a_role_is_held_by_one_and_taken_over_from_a_dead_one(workers):
    a, b = (Lease(worker.wire, "lead", seconds=LONG) for worker in workers)
    gained = []
    b.on_gain(lambda: gained.append("b"))
    a.renew()
    b.renew()
    assert (a.held, b.held) == (True, False)
    key = workers[0].wire.key("lease:lead")
    assert 0 < workers[0].wire.client.pttl(key) <= LONG * 1000
    workers[0].wire.client.pexpire(key, 500)  # all but what is left of it has gone by

    def taken():
        b.renew()  # while a says nothing more
        return b.held

    eventually(taken, timeout=20)
    assert gained == ["b"]
    a.renew()
    assert not a.held
    b.stop()
    a.renew()
    assert a.held


def test_while_redis_is_away_everybody_has_every_role(workers, redis_server):
    a, b = (Lease(worker.wire, "lead", seconds=LONG) for worker in workers)
    a.renew()
    b.renew()
    assert (a.held, b.held) == (True, False)
    redis_server.stop()
    eventually(lambda: not workers[1].wire.up, timeout=20)
    assert (a.held, b.held) == (True, True)


class Skewed(FakeClock):
    """A worker's own clock: as fast as all others, but it shows another time."""

    def __init__(self, seconds):
        super().__init__()
        self._off = seconds
        self.gone_by = 0.0
        """What a test has let go by at once, so that no late moment of the machine is as long."""

    def monotonic(self):
        return time.monotonic() + self.gone_by

    def now(self):
        return datetime.now(UTC) + timedelta(seconds=self._off + self.gone_by)


def test_decisions_end_in_the_same_state_everywhere_the_newest_holds(redis_server):
    with ExitStack() as ending:
        made = []
        for name in "ab":
            clock = Skewed(0)
            wire = connect(redis_server.url, worker=name, timeout=PATIENT)
            features = GracefulDegradation(clock=clock)
            features.register_feature("chat")
            made.append((wire, features, SharedOverrides(wire, features, clock=clock)))
            wire.start(patience=20)
            ending.callback(wire.stop)
        (_, one, shared_one), (_, two, shared_two) = made
        redis_server.stop()
        eventually(lambda: not any(wire.up for wire, _, _ in made), timeout=20)
        with shared_one.decision("chat", "older", "ann"):
            one.disable_feature("chat", "older", author="ann")
        for _, _, shared in made:
            shared._clock.gone_by += 30
        with shared_two.decision("chat", "newer", "bob"):
            two.disable_feature("chat", "newer", author="bob", seconds=600)
        redis_server.start()
        for features in (one, two):
            eventually(lambda features=features: features.status()["chat"]["reason"] == "newer", timeout=30)
        assert [features.status()["chat"]["author"] for features in (one, two)] == ["bob", "bob"]
        ends = [datetime.fromisoformat(features.status()["chat"]["until"]) for features in (one, two)]
        assert abs((ends[0] - ends[1]).total_seconds()) < 1
        with shared_two.decision("chat", "", "bob"):
            two.enable_feature("chat", author="bob")
        eventually(lambda: one.is_enabled("chat"), timeout=20)


@pytest.fixture
def deciders(redis_server):
    """Two workers by their wires, features and overrides; the clock of the first is an hour fast."""
    with ExitStack() as ending:
        made = []
        for name, seconds in (("a", 3600), ("b", 0)):
            clock = Skewed(seconds)
            wire = connect(redis_server.url, worker=name, timeout=PATIENT)
            features = GracefulDegradation(clock=clock)
            features.register_feature("chat")
            made.append((wire, features, SharedOverrides(wire, features, clock=clock)))
            wire.start(patience=20)
            ending.callback(wire.stop)
        yield made


def test_the_later_decision_holds_whatever_the_workers_clocks_show(deciders):
    (_, one, shared_one), (_, two, shared_two) = deciders
    with shared_one.decision("chat", "drill", "ann"):
        one.disable_feature("chat", "drill", author="ann", seconds=600)
    eventually(lambda: not two.is_enabled("chat"), timeout=20)
    ends = datetime.fromisoformat(two.status()["chat"]["until"])
    assert 590 < (ends - datetime.now(UTC)).total_seconds() < 601, "by this one's own clock"
    with shared_two.decision("chat", "", "bob"):
        two.enable_feature("chat", author="bob")
    eventually(lambda: one.is_enabled("chat"), timeout=20)
    heard([wire for wire, _, _ in deciders])
    assert two.is_enabled("chat")


def test_what_was_decided_without_redis_gives_way_to_what_was_decided_later(deciders, redis_server):
    (wire_one, one, shared_one), (wire_two, two, shared_two) = deciders
    redis_server.stop()
    eventually(lambda: not wire_one.up and not wire_two.up, timeout=20)
    with shared_one.decision("chat", "older", "ann"):
        one.disable_feature("chat", "older", author="ann")
    for _, _, shared in deciders:
        shared._clock.gone_by += 30
    with shared_two.decision("chat", "newer", "bob"):
        two.disable_feature("chat", "newer", author="bob")
    redis_server.start()
    for features in (one, two):
        eventually(lambda features=features: features.status()["chat"]["reason"] == "newer", timeout=30)
    heard([wire_one, wire_two])
    assert [features.status()["chat"]["reason"] for features in (one, two)] == ["newer", "newer"]


def test_two_decisions_at_one_moment_are_each_made_once_and_end_alike(deciders):
    (_, one, shared_one), (_, two, shared_two) = deciders
    applied = {one: [], two: []}
    for features, calls in applied.items():
        features.override_feature = partial(applying, features.override_feature, calls)

    def decide(features, shared, reason, author):
        with shared.decision("chat", reason, author):
            features.disable_feature("chat", reason, author=author)
            runtime.sleep(0)  # listeners are told meanwhile, and may wait

    for number in range(20):
        asking = runtime.spawn(decide, one, shared_one, f"ann's {number}", "ann")
        decide(two, shared_two, f"bob's {number}", "bob")
        assert asking.wait(5)
        eventually(lambda: one.status()["chat"]["reason"] == two.status()["chat"]["reason"], timeout=20)
    heard([wire for wire, _, _ in deciders])
    assert one.status()["chat"]["reason"] == two.status()["chat"]["reason"]
    assert max(map(len, applied.values())) <= 2 * 20, "its own and the other one's, and nothing goes to and fro"


def applying(override, calls, *args, **options):
    calls.append(args)
    override(*args, **options)


def test_counts_are_of_all_workers_and_large_limits_are_handed_in_by_batches(workers):
    a, b = (SharedCounters(MemoryCounters(), worker.wire) for worker in workers)
    small, large = "LIMITER/logins/ann/20/1/minute", "LIMITER/requests/ann/400/1/minute"
    began = time.time()
    assert [a.incr(small, 60), b.incr(small, 60), a.incr(small, 60)] == [1, 2, 3]
    assert began + 59 < b.get_expiry(small) < time.time() + 61
    for _ in range(9):
        a.incr(large, 60)
    assert b.incr(large, 60) == 1  # what is below a batch of ten is not known to others yet
    a.incr(large, 60)
    for _ in range(9):
        b.incr(large, 60)
    assert (a.get(large), b.get(large)) == (10, 20)
    a.clear(small)
    assert b.incr(small, 60) == 1


def test_notes_of_others_are_read_while_they_are_new(workers):
    a, b = (Notes(worker.wire, "metrics", seconds=LONG) for worker in workers)
    a.put("1", b"of the first")
    b.put("1", b"of one on another machine")
    assert a.others("1") == {"1-" + "b": b"of one on another machine"}
    b.drop()
    assert a.others("1") == {}
    b.put("1", b"again")
    assert a.others("2") == {"1": b"again"}
    later(workers[0].wire, LONG - 1)
    assert a.others("2") == {"1": b"again"}
    later(workers[0].wire, 2)
    assert a.others("2") == {}


def later(wire, seconds):
    """Let all notes of metrics be so much older, for Redis whose clock cannot be set."""
    times = wire.key("notes:metrics:times")
    for name in wire.client.zrange(times, 0, -1):
        wire.client.zincrby(times, -seconds, name)


def test_notes_of_workers_that_have_died_do_not_stay(workers):
    """Each life of a worker has a name of its own, so whoever dies again and again would fill Redis."""
    wire = workers[0].wire
    keys = [wire.key(f"notes:metrics:{part}") for part in ("texts", "times")]
    notes = Notes(wire, "metrics", seconds=LONG)
    for life in range(20):
        wire.worker = f"life-{life}"
        notes.put("1", b"of a short life")
    assert [wire.client.hlen(keys[0]), wire.client.zcard(keys[1])] == [20, 20]
    later(wire, LONG + 1)
    wire.worker = "a"
    notes.put("1", b"of one that lives")
    assert [wire.client.hlen(keys[0]), wire.client.zcard(keys[1])] == [1, 1]
    assert all(0 < wire.client.pttl(key) <= LONG * 1000 for key in keys)
    Notes(wire, "metrics", seconds=0.5).put("1", b"the last one")
    eventually(lambda: not list(wire.client.scan_iter(match="*notes*")), timeout=20)


def test_what_is_no_note_of_ours_is_passed_over(workers):
    a, b = (Notes(worker.wire, "metrics", seconds=10) for worker in workers)
    b.put("2", b"a note")
    keys = [workers[0].wire.key(f"notes:metrics:{part}") for part in ("texts", "times")]
    for name, text in (("x", b""), ("y", b"\x00\x02[]"), ("z", b'\x00\x0e{"worker": "3"}'), ("q", b"\xff" * 9)):
        workers[0].wire.client.hset(keys[0], name, text)
        workers[0].wire.client.zadd(keys[1], {name: time.time()})
    assert a.others("1") == {"2": b"a note"}


def test_a_message_that_nobody_understands_does_no_harm(workers):
    a, b = workers
    for text in (b"{", b"[]", b'{"topic": "push"}', orjson.dumps({"topic": "unknown"})):
        a.wire.ask(lambda text=text: a.wire.client.publish(a.wire.channel, text))
    a.publish("notice", 1)
    both_see(workers, "notice", [1])
    assert b.wire.up
