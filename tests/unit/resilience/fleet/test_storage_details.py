"""What a storage asks, and what it does with each answer; the server's side is played by hand."""

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import CircuitBreaker, CountWindow
from backend.resilience.breaker_storage import BreakerRecord
from backend.resilience.fleet import Timing
from backend.resilience.fleet.storage import RedisBreakerStorage
from backend.resilience.testing import FakeClock

HALF_OPEN = BreakerRecord(state="half_open", generation=2)


class Link:
    """Gives prepared answers, and a time that nobody should need who has an answer with one."""

    def __init__(self):
        self.asked = []
        self.reply = None

    def ask_now(self, request):
        self.asked.append(request)
        return self.reply() if callable(self.reply) else self.reply

    def server_ms(self):
        return 900_000.0


class Desk:
    def __init__(self, **options):
        self.clock = FakeClock()
        self.link = Link()
        self.wakes = []
        self.ran = []
        self.storage = RedisBreakerStorage(
            "feed",
            worker="w",
            link=self.link,
            clock=self.clock,
            timing=Timing(settle=2.0),
            wake=self.wakes.append,
            run=self.run,
        )
        self.breaker = CircuitBreaker(
            3, 5.0, name="feed", clock=self.clock, storage=self.storage, probe_seconds=2.0, **options
        )

    def run(self, func, *args, **options):
        self.ran.append(func.__name__)
        func(*args, **options)

    def fail(self, times=1):
        for _ in range(times):
            self.breaker.begin().failed(ConnectionError("down"))

    def collect(self, poll=False):
        return list(self.storage.collect(poll))

    def operations(self, poll=False):
        return [request.operation for request in self.collect(poll)]

    def half_open(self, fence=7):
        """Open, wait, and begin a probe with a permit of the server's."""
        self.fail(3)
        (proposal,) = self.collect()
        proposal.done(told("open", 1))
        self.collect()
        self.clock.advance(5.0)
        self.link.reply = told("half_open", 2, granted=True, fence=fence)
        call = self.breaker.begin()
        self.wakes.clear()
        self.ran.clear()
        return call


def told(state, generation, *, now=1_000_000, at=None, decision=None, open_ms=5000, **more):
    """An answer with the server's record; by default the state is the worker's own decision, made just now."""
    record = {
        "state": state,
        "generation": generation,
        "decision": decision or f"w:{generation}",
        "changed_at": now if at is None else at,
        "open_ms": open_ms,
        "level": 0,
        "failures": 0,
        "reason": "",
    }
    return {"now": now, "record": record, **more}


@pytest.fixture
def desk():
    return Desk()


# Counts


def test_a_new_storage_has_nothing_to_say_until_a_failure_and_asks_once_for_its_turn(desk):
    assert desk.operations() == []
    desk.fail(2)
    assert desk.wakes == [0.05]
    assert desk.operations() == ["sync"]
    assert desk.operations() == []


def test_the_first_poll_tells_the_terms_and_no_bucket(desk):
    (sync,) = desk.collect(poll=True)
    assert (sync.noun, sync.name) == ("breaker", "feed")
    assert sync.args == {
        "name": "feed",
        "worker": "w",
        "keep": 604_800_000,
        "generation": 0,
        "limits": {"threshold": 3},
        "horizon": 600_000,
        "settle": 2000,
        "open_ms": 5000,
    }


def test_the_break_that_the_server_would_begin_is_the_first_one():
    (sync,) = Desk(growth=2.0).collect(poll=True)
    assert sync.args["open_ms"] == 5000


def test_counts_are_told_again_at_the_moment_that_the_server_names(desk):
    desk.fail()
    (sync,) = desk.collect()
    desk.wakes.clear()
    sync.done({"now": 1, "counted": True, "run": 0, "others": {"failures": 2}, "wait": 1500})
    assert desk.wakes == [1.5]
    desk.clock.advance(0.75)
    assert desk.operations() == []
    assert desk.operations(poll=True) == ["sync"], "which leaves the moment as it is"
    assert desk.wakes == [1.5, 0.75, 0.75]
    desk.clock.advance(0.749)
    assert desk.operations() == []
    desk.clock.advance(0.001)
    assert desk.operations() == ["sync"]
    assert desk.operations() == [], "once"


def test_a_poll_after_the_moment_has_passed_stands_for_it(desk):
    desk.fail()
    (sync,) = desk.collect()
    sync.done({"now": 1, "counted": True, "run": 0, "others": {"failures": 2}, "wait": 500})
    desk.clock.advance(0.6)
    assert desk.operations(poll=True) == ["sync"]
    assert desk.operations() == []


def test_a_message_about_rates_asks_for_ones_own_soon():
    desk = Desk(window=CountWindow(10, 0.5, minimum_calls=4))
    message = {"kind": "counts", "by": "x", "generation": 0, "run": 0, "all": {"calls": 1, "failures": 1, "slow": 0}}
    desk.storage.hear(message)
    assert desk.wakes == [0.05]
    assert desk.operations() == ["sync"]


# What was decided here


def test_a_decision_is_told_at_once_and_its_answer_asks_for_counts(desk):
    desk.fail(3)
    assert desk.wakes == [0.05, 0.0]
    (proposal,) = desk.collect()
    assert proposal.operation == "propose"
    desk.wakes.clear()
    proposal.done(told("open", 1))
    assert desk.wakes == [0.0]
    assert desk.operations() == ["sync"]
    assert desk.operations() == []


def test_the_answer_to_a_decision_may_be_another_one(desk):
    desk.fail(3)
    (proposal,) = desk.collect()
    proposal.done(told("forced_open", 4, decision="x:4", open_ms=0))
    assert (desk.breaker.state, desk.ran) == ("forced_open", ["take_over"])


def test_what_is_set_through_pybreakers_protocol_is_told_at_once(desk):
    desk.storage.state = "open"
    assert desk.wakes == [0.0]
    (proposal,) = desk.collect()
    record = proposal.args["record"]
    assert (proposal.operation, record["state"], record["generation"], record["manual"]) == ("propose", "open", 1, True)


# What the server tells


def test_a_message_is_followed_beside_the_exchange(desk):
    desk.storage.hear({"kind": "record", **told("open", 1, decision="x:1")})
    assert (desk.breaker.state, desk.ran) == ("open", ["take_over"])


def test_the_age_of_a_record_is_by_the_time_that_came_with_it(desk):
    desk.storage.hear({"kind": "record", **told("open", 1, decision="x:1", at=998_000)})
    assert desk.breaker.retry_after == pytest.approx(3.0)


def test_a_message_without_a_time_is_as_old_as_the_servers_time_says(desk):
    message = told("open", 1, decision="x:1", at=899_000)
    del message["now"]
    desk.storage.hear({"kind": "record", "at": 899_500, **message})
    assert desk.breaker.retry_after == pytest.approx(4.0)


def test_that_a_permit_is_free_ends_the_wait(desk):
    desk.storage._permits.others_hold(3.0)
    desk.storage.hear({"kind": "free"})
    assert desk.storage.held_for() == 0


# Probes


def test_a_question_for_a_permit_says_for_how_long_and_after_which_break(desk):
    desk.half_open()
    (question,) = desk.link.asked
    args = question.args
    assert (question.operation, args["lease"], args["permits"], args["record"]["state"]) == ("lease", 2000, 1, "open")


def test_without_a_break_of_ones_own_there_is_none_to_tell(desk):
    desk.storage.lease(HALF_OPEN, 2.0)
    (question,) = desk.link.asked
    assert "record" not in question.args


def test_without_a_server_a_probe_is_sent(desk):
    assert desk.storage.lease(HALF_OPEN, 2.0) is True


def test_while_others_hold_every_permit_nobody_is_asked(desk):
    desk.storage._permits.others_hold(0.5)
    assert desk.storage.lease(HALF_OPEN, 2.0) is False
    assert desk.link.asked == []


def test_who_is_refused_waits_as_long_as_the_server_says(desk):
    desk.link.reply = told("half_open", 0, granted=False, wait=1500)
    assert desk.storage.lease(HALF_OPEN, 2.0) is False
    assert desk.storage.held_for() == 1.5


def test_the_answer_to_a_question_for_a_permit_is_followed_before_the_caller_goes_on(desk):
    desk.fail(3)
    desk.collect()[0].done(told("open", 1))
    desk.clock.advance(5.0)
    desk.link.reply = told("forced_open", 6, decision="x:6", open_ms=0, granted=False, wait=0)
    desk.ran.clear()
    with pytest.raises(CircuitBreakerOpenError):
        desk.breaker.begin()
    assert (desk.breaker.state, desk.ran) == ("forced_open", [])


def test_a_permit_that_comes_when_the_state_is_over_is_given_back_unused(desk):
    desk.link.reply = told("closed", 0, granted=True, fence=9)
    assert desk.storage.lease(HALF_OPEN, 2.0) is False
    assert desk.wakes == [0.0]
    (request,) = desk.collect()
    assert (request.operation, request.args["fence"], request.args["succeeded"]) == ("release", 9, False)


def test_a_probe_that_lives_is_told_at_once_when_a_third_of_its_time_is_over(desk):
    call = desk.half_open()
    desk.clock.advance(0.6)
    call.alive()
    assert desk.wakes == []
    desk.clock.advance(0.1)
    call.alive()
    assert desk.wakes == [0.0]
    (renewal,) = [each for each in desk.collect() if each.operation == "renew"]
    assert {name: renewal.args[name] for name in ("fence", "lease", "generation", "permits")} == {
        "fence": 7,
        "lease": 2000,
        "generation": 2,
        "permits": 1,
    }


def test_a_permit_that_the_server_had_forgotten_gets_its_new_token(desk):
    desk.half_open()
    (renewal,) = [each for each in desk.collect(poll=True) if each.operation == "renew"]
    renewal.done(told("half_open", 2, decision="x:2", fence=8))
    assert desk.storage._permits.fences() == [8]
    renewal.done(told("half_open", 2, decision="x:2"))
    assert desk.storage._permits.fences() == [8]


@pytest.mark.parametrize("operation", ["renew", "release"])
def test_the_answers_about_permits_are_followed(desk, operation):
    call = desk.half_open()
    if operation == "release":
        call.dropped()
    (request,) = [each for each in desk.collect(poll=True) if each.operation == operation]
    request.done(told("disabled", 9, decision="x:9", open_ms=0))
    assert desk.breaker.state == "disabled"


def test_a_permit_is_given_back_at_once_and_until_it_is_answered(desk):
    for fence in (7, 8):
        desk.storage._permits.granted(fence, 2.0)
    desk.storage.release(True)
    desk.storage.release(False)
    assert desk.wakes == [0.0, 0.0]
    first, second = desk.collect()
    assert [(each.args["fence"], each.args["succeeded"]) for each in (first, second)] == [(8, True), (7, False)]
    first.done(told("closed", 0))
    assert [each.args["fence"] for each in desk.collect()] == [7]
    second.done(told("closed", 0))
    assert desk.collect() == []


def test_who_holds_no_permit_has_none_to_give_back(desk):
    desk.storage.release(True)
    assert (desk.wakes, desk.collect()) == ([], [])
