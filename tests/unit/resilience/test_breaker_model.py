"""The breaker against a plain model of what it should do, over random histories of overlapping calls."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backend.errors import CircuitBreakerOpenError
from backend.resilience import CircuitBreaker
from backend.resilience.testing import FakeClock
from tests.unit.resilience.calls import Down

THRESHOLD, TIMEOUT, LEASE, PERMITS = 3, 60, 20, 2


class BreakerMachine(RuleBasedStateMachine):
    """The model keeps a generation number; a call remembers the one that it began in."""

    def __init__(self):
        super().__init__()
        self.clock = FakeClock()
        self.breaker = CircuitBreaker(THRESHOLD, TIMEOUT, permits=PERMITS, probe_seconds=LEASE, clock=self.clock)
        self.state, self.generation, self.failures, self.successes = "closed", 0, 0, 0
        self.opens_until = 0.0
        self.under_way = []  # (call, generation, lease end)

    def _move(self, state):
        self.state, self.generation, self.successes = state, self.generation + 1, 0
        if state == "open":
            self.opens_until = self.clock.monotonic() + TIMEOUT
        if state == "closed":
            self.failures = 0

    def _leases(self):
        now = self.clock.monotonic()
        return sum(1 for _, generation, ends in self.under_way if generation == self.generation and ends > now)

    @rule()
    def begin(self):
        now = self.clock.monotonic()
        if self.state == "open" and now >= self.opens_until:
            self._move("half_open")
        admitted = self.state == "closed" or (self.state == "half_open" and self._leases() + self.successes < PERMITS)
        try:
            call = self.breaker.begin()
        except CircuitBreakerOpenError as error:
            if admitted:
                raise AssertionError("the model admits this call") from error
            return
        assert admitted
        self.under_way.append((call, self.generation, now + LEASE))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["success", "failure", "cancelled"]))
    def finish(self, data, outcome):
        call, generation, ends = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if outcome == "success":
            call.succeeded()
        elif outcome == "failure":
            call.failed(Down())
        else:
            call.failed(GeneratorExit())
        if generation != self.generation or outcome == "cancelled":
            return
        if self.state == "half_open" and ends <= self.clock.monotonic():
            return
        self._count(outcome)

    def _count(self, outcome):
        if outcome == "failure":
            self.failures += 1
            if self.state == "half_open" or self.failures >= THRESHOLD:
                self._move("open")
        elif self.state == "closed":
            self.failures = 0
        else:
            self.successes += 1
            if self.successes == PERMITS:
                self._move("closed")

    @rule(seconds=st.sampled_from([1, 10, LEASE, TIMEOUT]))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def reset(self):
        self.breaker.reset()
        self._move("closed")

    @invariant()
    def it_shows_what_the_model_says(self):
        due = self.state == "open" and self.clock.monotonic() >= self.opens_until
        assert self.breaker.state == ("half_open" if due else self.state)
        assert self.breaker.failure_count == self.failures


BreakerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreakerMachine = BreakerMachine.TestCase
