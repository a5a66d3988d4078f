"""What must always hold in a fleet, whatever the network and the server do.

The model keeps no second breaker. It keeps what really happened (who failed, who holds a probe, what the server ever
decided) and compares the workers with that.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backend.errors import CircuitBreakerOpenError
from backend.resilience import CountWindow, TimeWindow
from tests.model.network import WatchedServer, World, consecutive

SLACK = 0.05
TICK = 0.001
"""The server counts in milliseconds: what ends within one has ended."""
STANDING = ("forced_open", "disabled", "metrics_only")
OVERRIDES = ("force_open", "disable", "metrics_only")
NUMBERS = st.integers(0, 2)
OWN_REASONS = (
    "time to try again",
    "probe succeeded",
    "override ended",
    "Down: ",
    "probes were slow",
    "threshold reached",
)


class Down(Exception):
    """The dependency failed."""


class Probe:
    """A call under way that was admitted while the circuit was half-open."""

    def __init__(self, worker, call, since, ends, decision):
        self.worker, self.call, self.since, self.ends = worker, call, since, ends
        self.decision = decision
        """What the server had decided when it granted the permit; None where it did not."""


class FleetMachine(RuleBasedStateMachine):
    """Three workers, one breaker each."""

    serve = WatchedServer
    permits = 1
    fewest = fewest_own = 3
    """Failures without which nothing opens: of all together, and of one worker that opens by itself."""

    def __init__(self):
        super().__init__()
        self.steps = 0
        self.happened = Counter()
        self.world = World(self.make, serve=self.serve)
        self.calls = []
        self.probes = []
        self.decided = [(0.0, 0, "closed", "")]  # (time, generation, state, decision), what the server ever held
        self.known = {(0, "closed")}
        self.manual = set()  # decisions of people
        self.stands = None  # (record, until) of an override that the server holds
        self.decisions = {}  # worker name -> whose word its state was at the last look
        self.break_ends = {}  # decision -> the server's time at which its break is over
        self.seen = {}  # worker name -> (generation, state) at the last look
        self.objects = {}  # worker name -> the breaker's state object at the last look
        self.failures = {}  # (worker name, generation) -> failures of this generation
        self.unvoided = {}  # worker name -> failures since its success, the last run's end or the state's begin
        self.run = (0, 0)  # server generation, run
        self.counted_at = 0.0

    def make(self, clock, storage):
        return consecutive(clock, storage)

    # What happens to calls

    @rule(number=NUMBERS, times=st.integers(1, 3))
    def fail(self, number, times):
        for _ in range(times):
            self._call(number, fails=True)

    @rule(times=st.integers(1, 3), seconds=st.sampled_from([0.0, 0.06, 0.3]))
    def an_outage(self, times, seconds):
        for number in range(3):
            self.fail(number, times)
        self.world.advance(seconds)

    @rule(number=NUMBERS)
    def succeed(self, number):
        self._call(number, fails=False)

    @rule(first=NUMBERS)
    def all_begin(self, first):
        for worker in self.world.workers[first:] + self.world.workers[:first]:
            begun = None if worker.stalled else self._begin(worker)
            if begun is not None:
                self.calls.append((worker, begun))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), outcome=st.sampled_from(["success", "failure", "left"]))
    def finish(self, data, outcome):
        worker, call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        if worker not in self.world.workers or worker.stalled:
            return  # the process is gone, or never gets to it
        self._end(worker, call, outcome)

    @precondition(lambda self: self.probes)
    @rule(data=st.data(), outcome=st.sampled_from(["success", "failure", "left", "lives"]))
    def a_probe_goes_on_or_ends(self, data, outcome):
        probe = data.draw(st.sampled_from(self.probes))
        if probe.worker not in self.world.workers or probe.worker.stalled:
            return
        if outcome == "lives":
            probe.call.alive()
            probe.ends = self._lease_end(probe.call) or probe.ends
        else:
            self.calls = [each for each in self.calls if each[1] is not probe.call]
            self._end(probe.worker, probe.call, outcome)

    @precondition(lambda self: self.probes)
    @rule(data=st.data(), first=NUMBERS)
    def a_probe_is_a_long_stream(self, data, first):
        probe = data.draw(st.sampled_from(self.probes))
        for _ in range(4):
            self.world.advance(0.7, first)
            if probe not in self.probes or probe.worker not in self.world.workers or probe.worker.stalled:
                return
            probe.call.alive()
            probe.ends = self._lease_end(probe.call) or probe.ends
            self.no_more_probes_than_permits()
        self.all_begin(first)

    # What people do

    @rule(
        number=NUMBERS,
        what=st.sampled_from([*["nothing"] * 8, "reset", "reset", *OVERRIDES]),
        seconds=st.sampled_from([None, 3.0]),
    )
    def a_person_decides(self, number, what, seconds):
        breaker = self.world.workers[number].breaker
        if what == "nothing" or self.world.workers[number].stalled:
            return
        if what == "reset":
            breaker.reset("reset", "anna")
        else:
            getattr(breaker, what)("maintenance", author="anna", seconds=seconds)
        self.manual.add(f"{self.world.workers[number].name}:{self.world.workers[number].generation}")
        self._look("manual")

    # What time and messages do

    @rule(seconds=st.sampled_from([0.06, 0.06, 0.2, 0.5, 1.1, 2.0]), first=NUMBERS)
    def time_passes(self, seconds, first):
        self.world.advance(seconds, first)

    @precondition(lambda self: self.world.record.get("state") == "open")
    @rule(first=NUMBERS)
    def the_break_passes(self, first):
        self.world.advance(5.0, first)
        self.all_begin(first)

    @rule(number=NUMBERS, data=st.data(), again=st.booleans())
    def deliver(self, number, data, again):
        worker = self.world.workers[number]
        if worker.stalled or not self._waiting(worker):
            return
        position = data.draw(st.integers(0, len(worker.wire.inbox.messages) - 1))
        message = worker.hear(position, again=again)
        if message["kind"] == "record":
            assert worker.generation >= message["record"]["generation"], "a message was delivered and not followed"

    @rule()
    def deliver_all(self):
        for worker in self.world.workers:
            while not worker.stalled and self._waiting(worker):
                worker.hear(0)

    @rule(number=NUMBERS, data=st.data())
    def lose(self, number, data):
        worker = self.world.workers[number]
        if self._waiting(worker):
            del worker.wire.inbox.messages[data.draw(st.integers(0, len(worker.wire.inbox.messages) - 1))]

    # What breaks and is mended

    @rule(number=NUMBERS, what=st.sampled_from(["cut", "reply", "stall", "kill"]))
    def a_process_is_in_trouble(self, number, what):
        worker = self.world.workers[number]
        if what == "cut":
            worker.wire.cut()
        elif what == "reply":
            worker.wire.replies_to_lose = 1
        elif what == "stall":
            worker.stalled = True
        else:
            self.world.restart_worker(number)
        self.nothing_flips(what)

    @rule(number=NUMBERS)
    def a_process_is_well_again(self, number):
        worker = self.world.workers[number]
        self.world.connect(worker)
        self.nothing_flips("a mended way")
        if worker.stalled:
            worker.stalled = False
            worker.is_well()
            worker.run_due()

    @rule(what=st.sampled_from([*["nothing"] * 4, "down", "down", "evict", "evict counts"]))
    def the_server_is_in_trouble(self, what):
        if what == "nothing":
            return
        if what == "down":
            self.world.take_down()
        elif what == "evict":
            self._forget()
        else:
            for arbiter in self.world.server.arbiters.values():
                arbiter.forget_counts()
            self.run = (-1, -1)
            self.counted_at = self.world.clock.monotonic()
        self.nothing_flips(what)

    @precondition(lambda self: self.world.down)
    @rule(forgetful=st.booleans())
    def the_server_is_back(self, forgetful):
        if forgetful:
            self._forget()
        self.world.bring_up()
        self.nothing_flips("the server's return")

    # What must hold

    @invariant()
    def everything_holds(self):
        self.steps += 1
        self._look(None)
        self.no_more_probes_than_permits()
        self.who_is_well_knows_after_one_poll()
        self.no_failure_is_lost()

    def no_more_probes_than_permits(self):
        now = self.world.clock.monotonic()
        self.probes = [probe for probe in self.probes if probe.ends > now + TICK]
        decision = self.world.record.get("decision", "")  # what an older half-open state admitted has no say any more
        granted = [
            probe
            for probe in self.probes
            if probe.decision == decision and probe.worker.well_since < probe.since and not probe.worker.wire.down
        ]
        assert len(granted) <= self.permits, "more probes than permits"

    def who_is_well_knows_after_one_poll(self):
        now, timing = self.world.clock.monotonic(), self.world.timing
        for worker in self.world.workers:
            if worker.stalled or worker.wire.down:
                continue
            since = now - timing.poll - timing.retry - SLACK
            if worker.well_since > since:
                continue
            newest = max((number for at, number, _, _ in self.decided if worker.well_since <= at <= since), default=0)
            assert worker.generation >= newest, f"{worker.name} has not heard of {newest}"

    def no_failure_is_lost(self):
        """What a worker has counted is with the server one flush later, or, after an eviction, one poll."""
        timing, now = self.world.timing, self.world.clock.monotonic()
        record = self.world.record
        if self.permits != 1 or record.get("state", "closed") != "closed":
            return
        if now < self.counted_at + timing.poll + timing.retry + SLACK:
            return
        number = record.get("generation", 0)
        well = [
            worker
            for worker in self.world.workers
            if not (worker.stalled or worker.wire.down)
            and worker.generation == number
            and worker.well_since < now - timing.poll - timing.retry - SLACK
        ]
        wanted = sum(self.unvoided.get(worker.name, 0) for worker in well)
        if wanted:
            args = {"worker": "", "horizon": 10**9}
            everyone, _ = self.world.server.arbiters["upstream"]._tally.totals(args, int(self._server_ms()))
            assert everyone["failures"] >= wanted, "the server lacks failures that were counted"

    def nothing_flips(self, cause):
        for worker in self.world.workers:
            before = self.seen.get(worker.name)
            assert before in (None, (worker.generation, worker.state)), f"{cause} has changed a state"

    def teardown(self):
        """After healing, all agree."""
        for worker in self.world.workers:
            worker.stalled, worker.wire.replies_to_lose = False, 0
        self.world.bring_up()
        for _ in range(4):
            self.world.advance(1.1)
            self.world.deliver_all()
        self._look("healing")
        record = self.world.record
        for worker in self.world.workers:
            number, state = worker.generation, worker.state
            ahead = (state, record.get("state")) == ("half_open", "open") and number == record["generation"] + 1
            wanted = (record.get("generation", 0), record.get("state", "closed"))
            assert ahead or (number, state) == wanted, f"{worker.name} is {number} {state}, the fleet {wanted}"

    # Inside

    def _waiting(self, worker):
        return worker.wire.inbox is not None and bool(worker.wire.inbox.messages)

    def _server_ms(self):
        return self.world.clock.now().timestamp() * 1000

    def _forget(self):
        self.world.server.forget()
        self._look_at_server()
        for probe in self.probes:
            probe.decision = None  # what nobody knows any more cannot be counted on
        self.happened["evictions"] += 1
        self.run = (-1, -1)
        self.counted_at = self.world.clock.monotonic()
        self.decided = []
        self.stands = None
        self.break_ends = {}

    def _begin(self, worker):
        before = worker.wire.permits
        try:
            call = worker.breaker.begin()
        except CircuitBreakerOpenError:
            self._look(None)
            return None
        ends = self._lease_end(call)
        if ends is not None:
            self.happened["probes"] += 1
            granted = self.world.record["decision"] if worker.wire.permits > before else None
            self.probes.append(Probe(worker, call, self.world.clock.monotonic(), ends, granted))
        self._look(None)
        return call

    def _lease_end(self, call):
        """When a probe's permit ends, in true time; None for any other call."""
        ends = getattr(call._permit, "ends", None)
        if ends is None:
            return None
        worker = next(each for each in self.world.workers if each.breaker is call._breaker)
        return ends - worker.clock.monotonic() + self.world.clock.monotonic()

    def _call(self, number, *, fails):
        worker = self.world.workers[number]
        if worker.stalled:
            return
        call = self._begin(worker)
        if call is not None:
            self._end(worker, call, "failure" if fails else "success")

    def _end(self, worker, call, outcome):
        self.probes = [probe for probe in self.probes if probe.call is not call]
        number, state = worker.generation, worker.state
        counted = state == "closed" and call._permit is worker.breaker._control.current
        if counted and outcome == "failure":
            key = (worker.name, number)
            self.failures[key] = self.failures.get(key, 0) + 1
            self.unvoided[worker.name] = self.unvoided.get(worker.name, 0) + 1
            self.counted_at = self.world.clock.monotonic()
        if counted and outcome == "success":
            self.unvoided[worker.name] = 0
            self.counted_at = self.world.clock.monotonic()
        if outcome == "success":
            call.succeeded()
        elif outcome == "failure":
            call.failed(Down("down"))
        else:
            call.dropped()
        self._look("manual" if outcome == "left" else None)

    def _look(self, cause):
        """Take note of what the server has decided, and hold every worker's state against it."""
        self._look_at_server()
        for worker in self.world.workers:
            number, state = worker.generation, worker.state
            before = self.seen.get(worker.name)
            if before == (number, state):
                continue
            if before is not None:
                assert number >= before[0], f"{worker.name} went back from {before} to {number}"
            if before is None or before[1] != state:
                self._justify(worker, before, state, cause)
            self.seen[worker.name], self.decisions[worker.name] = (number, state), worker.decision
            self.counted_at = self.world.clock.monotonic()
            current = worker.breaker._control.current
            if self.objects.get(worker.name) is current and before is not None:  # no more than a newer number
                self.failures[worker.name, number] = self.failures.get((worker.name, before[0]), 0)
            else:
                self.unvoided[worker.name] = 0
            self.objects[worker.name] = current

    def _look_at_server(self):
        arbiter = self.world.server.arbiters.get("upstream")
        run = (self.world.record.get("generation", 0), arbiter._tally.run if arbiter else 0)
        if run != self.run:
            self.run = run
            self.unvoided.clear()
        log = self.world.server.log
        for record in log:
            self._note(record)
        log.clear()

    def _note(self, record):
        number, state, decision = record["generation"], record["state"], record["decision"]
        _, before, _, last = self.decided[-1] if self.decided else (0.0, 0, "", "")
        assert number > before, "the server's generation went back"
        if decision == last:  # no more than a newer number
            for (name, of), count in list(self.failures.items()):
                if of == before:
                    self.failures[name, number] = max(count, self.failures.get((name, number), 0))
        elif decision.startswith("fleet:"):
            self.happened["trips together"] += 1
            self._justify_fleet_trip(number - 1)
        else:
            self.happened[f"decisions for {state}"] += 1
        if self.stands is not None and decision not in (last, *self.manual):
            assert self._server_ms() >= self.stands - 250, f"{decision} has ended a person's override"
        self.stands = record.get("until", float("inf")) if state in STANDING else None
        if state == "open" and decision != last:
            self.break_ends[decision] = record["changed_at"] + record["open_ms"]
        self.decided = [*self.decided[-50:], (self.world.clock.monotonic(), number, state, decision)]
        self.known.add((number, state))

    def _justify_fleet_trip(self, number):
        """The fleet trips together only where the workers have really failed so often."""
        total = sum(count for (_, of), count in self.failures.items() if of == number)
        assert total >= self.fewest, f"tripped at {total} failures"

    def _justify(self, worker, before, state, cause):
        """A worker's state is one that the server held, or one that it came to itself for a reason that it names."""
        snapshot = worker.breaker.snapshot
        if (worker.generation, state) in self.known or (before is None and state == "closed"):
            return
        if cause == "manual" or snapshot.manual or snapshot.author == "anna":
            return
        if state == "half_open" and before is not None and before[1] == "open":
            ends = self.break_ends.get(self.decisions[worker.name], 0)
            assert self._server_ms() >= ends - 100, "a probe before the break is over"
        assert snapshot.reason.startswith(OWN_REASONS), f"{before} became {state}: {snapshot.reason!r}"
        if state == "open" and before is not None and before[1] == "closed":
            failures = self.failures.get((worker.name, snapshot.generation - 1), 0)
            assert failures >= self.fewest_own, f"{worker.name} opened at {failures} failures"


class RateMachine(FleetMachine):
    """Two permits, and a window of calls whose rates are merged."""

    permits = 2
    fewest, fewest_own = 2, 0  # half of four calls; an own success can be the fourth call

    def make(self, clock, storage):
        return consecutive(clock, storage, window=CountWindow(6, 0.5, minimum_calls=4), permits=2)


class TimeMachine(FleetMachine):
    """Two permits, and a window of time."""

    permits = 2
    fewest, fewest_own = 2, 0  # half of four calls; an own success can be the fourth call

    def make(self, clock, storage):
        window = TimeWindow(10.0, 0.5, minimum_calls=4, clock=clock)
        return consecutive(clock, storage, window=window, permits=2)


MACHINES = (FleetMachine, RateMachine, TimeMachine)
