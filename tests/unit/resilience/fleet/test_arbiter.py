"""The arbiter of one breaker, question by question. That the script says the same is tested beside Redis."""

import pytest

from backend.resilience.fleet.arbiter import Arbiter

OPEN = {"state": "open", "decision": "w1:1", "generation": 1, "age": 0, "open_ms": 1000, "level": 0, "failures": 3}
OPEN |= {"reason": "refused"}
BUCKET = {"calls": 1, "failures": 1, "slow": 0, "fresh": 1, "run": 0, "succeeded": False}
SYNC = {"limits": {"threshold": 3}, "horizon": 10_000, "settle": 150, "open_ms": 1000}


class Asked:
    """An arbiter, with its messages and decisions, at a time that the test sets."""

    def __init__(self):
        self.audit, self.messages = [], []
        self.arbiter = Arbiter("feed", self.audit, self.messages.append)
        self.now = 10_000

    def __call__(self, operation, worker="w1", **args):
        return self.arbiter.do(operation, {"worker": worker, "name": "feed", "permits": 1, **args}, self.now)

    def propose(self, worker="w1", *, given=OPEN, **fields):
        extra = {name: fields.pop(name) for name in ("fences", "floor", "base", "permits") if name in fields}
        return self("propose", worker, record={**given, **fields}, **extra)

    def lease(self, worker="w1", **args):
        return self("lease", worker, lease=500, **args)

    def half_open(self, **args):
        self.propose()
        self.now += 1000
        return self.lease(**args)["fence"]

    def sync(self, worker="w1", generation=0, **bucket):
        return self("sync", worker, generation=generation, bucket=BUCKET | bucket, **SYNC)

    @property
    def number(self):
        return self.arbiter.record["generation"]

    @property
    def kinds(self):
        kinds = [message["kind"] for message in self.messages]
        self.messages.clear()
        return kinds


@pytest.fixture
def ask():
    return Asked()


def test_a_newer_number_is_taken_an_older_or_equal_one_is_not(ask):
    assert ask.propose()["accepted"]
    assert not ask.propose("w2", decision="w2:1")["accepted"]
    assert ask.propose("w2", decision="w2:2", generation=2)["accepted"]
    assert (ask.number, ask.kinds) == (2, ["record", "record"])


def test_one_who_is_ahead_on_its_own_gets_the_fleets_word_above_its_number(ask):
    ask.propose()
    reply = ask.propose("w2", decision="w2:1", floor=4, base="w2:1")
    assert (reply["accepted"], reply["record"]["generation"]) == (False, 5)
    ask.propose("w2", decision="w2:1", floor=4, base="w2:1")
    assert ask.number == 5


def test_one_who_is_ahead_with_what_came_of_the_same_break_stays_ahead(ask):
    ask.propose()
    ask("sync", floor=4, base="w1:1")
    assert ask.number == 1
    ask.now += 1000
    ask.lease()
    ask("sync", "w2", floor=4, base="w1:1")
    assert ask.number == 2, "the half-open state came of that break too"
    ask("sync", "w2", floor=4, base="w2:1")
    assert ask.number == 5


def test_nobody_probes_before_the_break_is_over(ask):
    ask.propose()
    ask.now += 999
    assert ask.lease() == {"granted": False, "wait": 1, "now": ask.now, "record": ask.arbiter.record}
    ask.now += 1
    assert ask.lease()["granted"]
    assert ask.lease("w2")["wait"] == 500


def test_in_no_other_state_is_there_anything_to_probe(ask):
    assert ask.lease() == {"granted": False, "wait": 0, "now": ask.now}
    ask.propose(given=OPEN, state="disabled", manual=True)
    assert not ask.lease()["granted"]


def test_a_break_that_the_server_has_forgotten_comes_with_the_question(ask):
    assert ask.lease(record={**OPEN, "age": 1000})["granted"]
    assert ask.arbiter.record["base"] == "w1:1"


def test_a_permit_is_told_when_the_fleet_becomes_half_open_and_when_all_are_out(ask):
    ask.propose(permits=3)
    ask.now += 1000
    ask.kinds  # noqa: B018 - takes them
    ask.lease(permits=3)
    assert ask.kinds == ["record"]
    ask.lease("w2", permits=3)
    assert ask.kinds == []
    assert ask.messages == []
    ask.lease("w3", permits=3)
    assert ask.messages[0]["held"] == ask.now + 500


def test_a_success_closes_and_a_permit_left_is_told_to_be_free(ask):
    fence = ask.half_open()
    ask.kinds  # noqa: B018 - takes them
    ask("release", fence=fence)
    assert ask.kinds == ["free"]
    fence = ask.lease("w2")["fence"]
    ask("release", "w3", fence=fence, succeeded=True)
    assert ask.arbiter.record["state"] == "half_open", "a token alone is nobody's"
    ask("release", "w2", fence=fence, succeeded=True)
    assert (ask.arbiter.record["state"], ask.number) == ("closed", 3)
    ask("release", "w2", fence=fence, succeeded=True)
    assert ask.number == 3


def test_what_came_of_a_probe_decides_by_whatever_number(ask):
    fence = ask.half_open()
    ask.arbiter._renumber(8)
    assert not ask.propose("w2", decision="w2:3", generation=3, fences=[fence])["accepted"], "not its permit"
    assert ask.propose("w1", decision="w1:3", generation=3, fences=[fence])["accepted"]
    assert ask.number == 10


def test_no_move_of_another_ends_a_probe_under_way_but_one_after_its_time_does(ask):
    ask.half_open()
    assert not ask.propose("w2", decision="w2:5", generation=5)["accepted"]
    assert (ask.number, ask.arbiter.record["state"]) == (6, "half_open")
    ask.now += 500
    assert ask.propose("w2", decision="w2:7", generation=7)["accepted"]


def test_an_override_holds_until_shortly_before_its_end(ask):
    ask.propose(state="forced_open", manual=True, until_in=2000)
    ask.now += 1749
    assert not ask.propose("w2", decision="w2:5", generation=5)["accepted"]
    ask.now += 1
    assert ask.propose("w2", decision="w2:9", generation=9)["accepted"]
    ask.propose(state="forced_open", manual=True, decision="w1:10")
    ask.now += 10**9
    assert not ask.propose("w2", decision="w2:50", generation=50)["accepted"], "without an end it stands for good"


def test_a_persons_decision_is_taken_once_and_written_down(ask):
    for _ in range(2):
        assert ask.propose(manual=True, author="anna", decision="w1:1")["accepted"]
    assert ask.propose("w2", manual=True, author="berta", decision="w2:1")["accepted"]
    assert ask.propose(manual=True, author="anna", decision="w1:1")["accepted"]
    assert [(entry["author"], entry["generation"], entry["worker"]) for entry in ask.audit] == [
        ("berta", 2, "w2"),
        ("anna", 1, "w1"),
    ]
    for number in range(250):
        ask.propose(manual=True, decision=f"w3:{number}")
    assert len(ask.audit) == 200


def test_who_retells_an_older_decision_by_a_higher_number_is_told_what_came_after_it(ask):
    ask.propose(manual=True, decision="w1:1")
    ask.propose("w2", manual=True, decision="w2:1")
    assert ask.propose(manual=True, decision="w1:1", generation=7)["record"] | {} == ask.arbiter.record
    assert ask.number == 8
    ask.propose("w2", manual=True, decision="w2:1", generation=20)
    assert ask.number == 20, "who stands by the present one gets its own number"


def test_a_permit_is_prolonged_and_never_cut_short(ask):
    fence = ask.half_open()
    ask.now += 400
    ask("renew", fence=fence, lease=500, generation=2)
    assert ask.arbiter._leases[0]["ends"] == ask.now + 500
    ask("renew", fence=fence, lease=10, generation=2)
    assert ask.arbiter._leases[0]["ends"] == ask.now + 500


def test_a_permit_that_is_not_known_is_given_anew_where_there_is_room(ask):
    ask.half_open()
    assert "fence" not in ask("renew", "w2", fence=9, lease=500, generation=2)
    ask.now += 500
    assert "fence" not in ask("renew", "w2", fence=9, lease=500, generation=1), "of another half-open state"
    assert ask("renew", "w2", fence=9, lease=500, generation=2)["fence"] == 2
    ask("release", "w2", fence=2, succeeded=True)
    assert "fence" not in ask("renew", "w2", fence=9, lease=500, generation=3), "it is closed"


def test_failures_of_several_open_it_when_they_have_stood_for_a_moment(ask):
    assert ask.sync("w1")["counted"]
    ask.sync("w2")
    reply = ask.sync("w3")
    assert (reply["wait"], reply["others"]["failures"]) == (150, 2)
    ask.now += 149
    ask.sync("w3")
    assert ask.arbiter.record == {}
    ask.now += 1
    ask.sync("w3")
    assert (ask.arbiter.record["state"], ask.arbiter.record["failures"]) == ("open", 3)


def test_a_success_in_that_moment_still_counts(ask):
    for worker in ("w1", "w2", "w3"):
        ask.sync(worker)
    ask.sync("w2", calls=0, failures=0, fresh=0, succeeded=True)
    ask.now += 1000
    assert "wait" not in ask.sync("w3", fresh=0)
    assert ask.arbiter.record == {}


def test_counts_of_another_generation_or_state_are_not_taken(ask):
    ask.propose()
    assert "counted" not in ask.sync(generation=0)
    assert "counted" not in ask.sync(generation=1), "it is open"
    ask.propose(state="metrics_only", manual=True, decision="w1:2")
    assert ask.sync(generation=2)["counted"]


def test_news_of_counts_are_told_when_failing_begins_or_ends_and_not_each_time(ask):
    ask.sync("w1")
    assert ask.kinds == ["counts"]
    ask.sync("w1", calls=2, failures=2)
    assert ask.kinds == []
    ask.sync("w1", calls=0, failures=0, succeeded=True)
    assert ask.kinds == ["counts"]


def test_buckets_that_are_lost_are_filled_by_the_next_poll(ask):
    ask.sync("w1")
    ask.arbiter.forget_counts()
    assert ask.sync("w2")["others"]["failures"] == 0
    ask.sync("w1")
    assert ask.sync("w2")["others"]["failures"] == 1


def test_what_came_of_a_probe_is_no_decision_of_a_person(ask):
    fence = ask.half_open()
    ask.propose(decision="w1:3", generation=3, fences=[fence])
    assert (ask.number, ask.audit) == (3, [])


def test_who_asks_for_a_permit_from_above_is_lifted_over(ask):
    ask.half_open()
    assert ask.lease("w2", floor=9, base="w2:1")["record"]["generation"] == 10


def test_what_is_retold_by_a_lower_number_moves_nothing(ask):
    ask.propose(manual=True)
    ask.arbiter._renumber(8)
    ask.propose(manual=True)
    assert ask.number == 9


def test_counts_belong_to_a_state_and_begin_a_new_run_with_it(ask):
    ask.sync("w1")
    ask.propose(state="closed")
    reply = ask.sync("w2", generation=1, run=1)
    assert (reply["run"], reply["others"]["failures"]) == (1, 0)


def test_that_failures_are_enough_is_told_and_so_is_the_trip(ask):
    for worker, told in (("w1", ["counts"]), ("w2", []), ("w3", ["counts"])):
        ask.sync(worker)
        assert ask.kinds == told
    ask.now += 150
    ask.sync("w3")
    assert [message["kind"] for message in ask.messages] == ["record"]
    assert ask.messages[0]["record"]["state"] == "open"


def test_when_permits_return_is_told_only_while_all_are_out(ask):
    assert "held" not in ask.propose(permits=2)
    assert "held" not in ask.messages[0]
    ask.now += 1000
    assert "held" not in ask.lease(permits=2)
    ask.now += 100
    assert ask.lease("w2", permits=2)["held"] == ask.now + 400, "the first of them"
    assert ask("sync")["held"] == ask.now + 400
