"""The server's buckets: what is added up, what is forgotten, and what is enough."""

import pytest

from backend.resilience.fleet.tally import Tally, is_enough

ROW = {"threshold": 3}
RATES = {"minimum_calls": 4, "failure_rate": 0.5}


def bucket(failures, *, calls=None, slow=0, fresh=None, run=0, succeeded=False):
    counts = {"calls": failures if calls is None else calls, "failures": failures, "slow": slow}
    return {**counts, "fresh": failures if fresh is None else fresh, "run": run, "succeeded": succeeded}


@pytest.fixture
def tally():
    return Tally()


def tell(tally, worker, told, limits=ROW, now=0):
    tally.count({"worker": worker, "bucket": told, "limits": limits}, now)


def totals(tally, worker="z", now=0, horizon=100):
    return tally.totals({"worker": worker, "horizon": horizon}, now)


def failures(tally, **options):
    return totals(tally, **options)[0]["failures"]


def test_all_is_the_sum_and_the_others_are_without_the_asker(tally):
    tell(tally, "a", bucket(1, calls=4, slow=2), RATES)
    tell(tally, "b", bucket(2, calls=5, slow=1), RATES)
    everyone, others = totals(tally, "a")
    assert everyone == {"calls": 9, "failures": 3, "slow": 3}
    assert others == {"calls": 5, "failures": 2, "slow": 1}


def test_a_bucket_counts_until_its_horizon_and_then_is_gone(tally):
    tell(tally, "a", bucket(1), now=0)
    assert failures(tally, now=99) == 1
    assert failures(tally, now=100) == 0
    assert failures(tally, now=99) == 0, "gone, not only passed over"


def test_a_bucket_of_rates_counts_until_its_horizon_too(tally):
    tell(tally, "a", bucket(1), RATES)
    assert failures(tally, now=100) == 0


def test_an_empty_bucket_takes_the_workers_place_away(tally):
    tell(tally, "a", bucket(1))
    tell(tally, "a", bucket(0, calls=2))
    assert tally._buckets == {}
    tell(tally, "a", bucket(1, calls=3), RATES)
    tell(tally, "a", bucket(0, calls=0), RATES)
    assert tally._buckets == {}
    tell(tally, "never seen", bucket(0))


def test_calls_without_failures_count_in_rates(tally):
    tell(tally, "a", bucket(0, calls=3), RATES)
    assert totals(tally)[0]["calls"] == 3


def test_a_new_generation_begins_a_run_and_knows_nothing(tally):
    tell(tally, "a", bucket(2), RATES)
    assert tally.run == 0
    tally.begin()
    assert (tally.run, failures(tally)) == (1, 0)


def test_a_success_ends_the_run_of_all(tally):
    tell(tally, "a", bucket(2))
    tell(tally, "b", bucket(0, succeeded=True))
    assert (tally.run, tally._buckets) == (1, {})


def test_failures_after_a_success_belong_to_the_run_that_it_began(tally):
    tell(tally, "a", bucket(2, succeeded=True))
    assert (tally.run, failures(tally)) == (1, 2)


def test_a_success_of_an_older_run_ends_nothing(tally):
    tally.begin()
    tell(tally, "a", bucket(1, run=1))
    tell(tally, "b", bucket(2, run=0, fresh=1, succeeded=True))
    assert (tally.run, failures(tally)) == (1, 2), "and only what is fresh counts"


def test_a_newer_run_is_taken_over_and_what_was_before_it_is_forgotten(tally):
    tell(tally, "a", bucket(2))
    tell(tally, "b", bucket(1, fresh=0, run=4))
    assert (tally.run, failures(tally)) == (4, 1)
    assert set(tally._buckets) == {"b"}


def test_the_present_run_counts_whole(tally):
    tell(tally, "a", bucket(2, fresh=1))
    assert (tally.run, failures(tally)) == (0, 2)


def test_of_an_older_run_only_what_is_fresh_counts(tally):
    tally.begin()
    tell(tally, "a", bucket(3, fresh=1, run=0))
    assert failures(tally) == 1
    tell(tally, "a", bucket(3, fresh=0, run=0))
    assert tally._buckets == {}


def test_rates_know_no_runs(tally):
    tell(tally, "a", {"calls": 2, "failures": 2, "slow": 0}, RATES)
    tally.run += 1
    assert failures(tally) == 2
    tell(tally, "b", bucket(2, calls=2, fresh=1, run=0), RATES)
    assert failures(tally) == 4


def everyone(calls, failed, slow=0):
    return {"calls": calls, "failures": failed, "slow": slow}


@pytest.mark.parametrize(
    ("limits", "counted", "enough"),
    [
        (ROW, everyone(2, 2), False),
        (ROW, everyone(3, 3), True),
        (RATES, everyone(3, 3), False),
        (RATES, everyone(4, 2), True),
        (RATES, everyone(5, 2), False),
        (RATES, everyone(5, 1, 5), False),
        (RATES | {"slow_rate": 0.6}, everyone(5, 1, 3), True),
        (RATES | {"slow_rate": 0.6}, everyone(5, 1, 4), True),
        (RATES | {"slow_rate": 0.6}, everyone(5, 1, 2), False),
    ],
)
def test_so_many_are_enough(limits, counted, enough):
    assert is_enough(limits, counted) is enough
