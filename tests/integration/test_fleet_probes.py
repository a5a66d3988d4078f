"""Who may probe: exactly one of twenty worker processes, on a real redis-server."""

import time

import pytest
import redis

from tests.support.fleet_processes import Workers

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
BREAK = 0.2
PATIENT = {"timeout": 5.0}  # so that a busy machine is not taken for a dead Redis, where each would go by its own view


@pytest.fixture
def fleet(shared_redis):
    """Start worker processes that join with one breaker."""
    started = []

    def start(count, **options):
        with redis.Redis.from_url(shared_redis.url) as client:
            client.flushall()
        workers = Workers(count)
        started.append(workers)
        breaker = {"failure_threshold": 3, "timeout": BREAK, **options}
        workers.join(shared_redis.url, timing=PATIENT, feed=breaker)
        return workers

    yield start
    for workers in started:
        workers.stop()


def admitted(workers, asked=None):
    """Let all ask at the same moment, again and again until the break is over; return who was admitted.

    `asked` takes the moments, of which the last one is that of the admission: nobody was admitted before it.
    """
    for _ in range(200):
        at = time.monotonic() + 0.05
        if asked is not None:
            asked.append(at)
        answers = workers.all("begin", name="feed", at=at)
        chosen = [worker for worker, answer in zip(workers, answers, strict=True) for one in answer if one]
        if chosen:
            return chosen
    raise AssertionError("nobody was ever admitted")


def trip(workers):
    workers[0].call(name="feed", fails=True, times=3)
    workers.agree("feed", "open")


def test_twenty_processes_send_exactly_one_probe_fifty_times(fleet):
    workers = fleet(20)
    probers = set()
    trip(workers)
    for number in range(50):
        chosen = admitted(workers)
        assert len(chosen) == 1, workers.all("log")
        (prober,) = chosen
        assert workers.all("begin", name="feed") == [[False]] * 20, "while it is under way there is no other"
        probers.add(prober.pid)
        if number % 10 == 9:
            prober.end(outcome="success")
            workers.agree("feed", "closed")
            trip(workers)
        else:
            prober.end(outcome="failure")
    assert len(probers) > 1, "it is not always the same"
    assert not any(workers.all("log"))


def test_as_many_probes_as_there_are_permits(fleet):
    workers = fleet(8, permits=3)
    trip(workers)
    chosen = admitted(workers)
    chosen += [worker for worker, answer in zip(workers, workers.all("begin", name="feed"), strict=True) if any(answer)]
    assert len(chosen) == 3
    for worker in chosen[:2]:
        worker.end(outcome="success")
    assert not any(any(answer) for answer in workers.all("begin", name="feed"))
    chosen[2].end(outcome="success")
    workers.agree("feed", "closed")


def test_the_permit_of_a_killed_prober_returns_within_the_time_of_the_call(fleet):
    workers = fleet(6, probe_seconds=1.5)
    trip(workers)
    first, then = [], []
    (prober,) = admitted(workers, first)
    prober.kill()
    workers.remove(prober)
    (_,) = admitted(workers, then)
    assert time.monotonic() - first[-1] > 1.2
    assert all(at - first[-1] < 5 for at in then[:-1]), "nobody is refused when the time is over"


def test_what_a_prober_brings_that_stood_still_for_too_long_is_dropped(fleet):
    workers = fleet(4, probe_seconds=6.0)  # within which the second one has to answer
    trip(workers)
    (late,) = admitted(workers)
    late.freeze()
    others = Workers.of(each for each in workers if each is not late)
    (second,) = admitted(others)
    late.thaw()
    late.end(outcome="success")
    time.sleep(0.3)
    assert {state[1] for state in workers.states("feed")} == {"half_open"}
    second.end(outcome="failure")
    workers.agree("feed", "open")


def test_a_long_probe_that_shows_that_it_lives_keeps_its_permit(fleet):
    workers = fleet(4, probe_seconds=3.0)
    trip(workers)
    (prober,) = admitted(workers)
    end = time.monotonic() + 7.0
    while time.monotonic() < end:
        prober.end(outcome="lives")
        assert not any(any(answer) for answer in workers.all("begin", name="feed"))
        time.sleep(0.1)
    prober.end(outcome="success")
    workers.agree("feed", "closed")
