"""What worker processes share besides breakers, on a real redis-server: the budget of retries, and errors."""

import time

import pytest
import redis

from tests.support.fleet_processes import Workers

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


@pytest.fixture
def fleet(shared_redis):
    """Start worker processes that join; what the ones before have left is kept where `afresh` is False."""
    started = []

    def start(count, *, afresh=True):
        if afresh:
            with redis.Redis.from_url(shared_redis.url) as client:
                client.flushall()
        workers = Workers(count)
        started.append(workers)
        workers.join(shared_redis.url)
        return workers

    yield start
    for workers in started:
        workers.stop()


@pytest.fixture
def kept(shared_redis):
    """Everything that Redis holds of states, counts and errors, as one text."""

    def text():
        with redis.Redis.from_url(shared_redis.url) as client:
            hashes = [client.hgetall(key) for key in client.scan_iter(_type="hash")]
            return f"{hashes} {[client.get(key) for key in client.scan_iter(_type='string')]}"

    return text


# Retries


def test_in_a_full_outage_all_workers_together_make_at_most_1_2_attempts_per_call(fleet):
    workers = fleet(5)
    told = workers.all("outage", seconds=5.0, pause=0.02, attempts=5)
    calls, attempts = sum(each["calls"] for each in told), sum(each["attempts"] for each in told)
    assert calls > 200
    assert attempts - calls <= max(3, 0.2 * calls), f"{attempts} attempts in {calls} calls"
    assert attempts - calls > 0.05 * calls, f"{attempts} attempts in {calls} calls: the share is there to be used"


def test_the_fewest_retries_are_the_fleets_and_not_each_workers(fleet):
    workers = fleet(8)
    told = workers.all("outage", seconds=1.5, pause=1.4, attempts=5)
    calls, attempts = sum(each["calls"] for each in told), sum(each["attempts"] for each in told)
    assert attempts - calls <= max(3, 0.2 * calls), f"{attempts} attempts in {calls} calls"


# Errors


def totals(workers):
    return [told["stats"]["total_errors"] for told in workers.all("errors")]


def note(workers, kind="feed_failure", message="timed out after 10 s", times=2):
    workers.all(
        "record_errors", kind=kind, message=message, times=times, context={"endpoint": "/api/threats", "user": "ann"}
    )


def test_every_worker_tells_the_errors_of_all(fleet):
    workers = fleet(4)
    note(workers)
    workers.until(lambda: totals(workers) == [8] * 4, lambda: str(totals(workers)))
    for told in workers.all("errors"):
        assert told["stats"]["errors_by_type"] == {"feed_failure": 8}
        assert told["endpoints"] == {"/api/threats": 8}
        assert len(told["recent"]) == 8
        (group,) = told["groups"]
        assert (group["count"], group["type"]) == (8, "feed_failure")


def test_counts_groups_and_newest_errors_are_there_again_after_all_have_been_restarted(fleet):
    before = fleet(3)
    note(before, message="timed out after 10 s")
    before.until(lambda: totals(before) == [6] * 3, lambda: str(totals(before)))
    (group,) = before[0].errors()["groups"]
    for worker in before:
        worker.kill()
    after = fleet(2, afresh=False)
    after.until(lambda: totals(after) == [6] * 2, lambda: str(totals(after)))
    time.sleep(0.01)
    note(after, message="timed out after 30 s", times=1)
    after.until(lambda: totals(after) == [8] * 2, lambda: str(totals(after)))
    for told in after.all("errors"):
        (again,) = told["groups"]
        assert again["fingerprint"] == group["fingerprint"], "the same fault, whatever its numbers"
        assert (again["count"], again["first_seen"]) == (8, group["first_seen"])
        assert again["last_seen"] > group["last_seen"]
        assert len(told["recent"]) == 8
        assert told["recent"][0]["message"] == "timed out after 30 s"


def test_what_was_noted_last_is_not_lost_when_a_worker_ends_in_order(fleet):
    workers = fleet(2)
    note(workers, times=3)
    workers.all("leave")
    after = fleet(1, afresh=False)
    after.until(lambda: totals(after) == [6], lambda: str(totals(after)))


def test_neither_secrets_nor_personal_data_reach_redis(fleet, kept):
    workers = fleet(2)
    text = "GET https://x.test/feed?token=hunter2-abc for ann@example.org failed"
    context = {"api_key": "hunter2-abc", "endpoint": "/api/threats", "header": "Authorization: Bearer hunter2-abc"}
    workers.all("record_errors", kind="feed_failure", message=text, times=1, context=context)
    workers.until(lambda: totals(workers) == [2] * 2, lambda: str(totals(workers)))
    assert "feed_failure" in kept()
    assert "hunter2" not in kept()
    assert "ann@example.org" not in kept()


def test_many_distinct_errors_take_bounded_memory(fleet, shared_redis):
    workers = fleet(2)
    for number in range(300):
        note(workers, kind=f"fault {chr(97 + number % 26)}{chr(97 + number // 26)}", message="x" * 400, times=1)
    workers.until(lambda: totals(workers) == [600] * 2, lambda: str(totals(workers)))
    with redis.Redis.from_url(shared_redis.url) as client:
        parts = ("notes", "versions", "head")
        used = sum(client.memory_usage(f"jupiter:{{test}}:errors:{part}") or 0 for part in parts)
        notes = client.hlen("jupiter:{test}:errors:notes")
    assert notes <= 2 * (50 + 200 + 100 + 10), "the newest errors, groups and minutes of each; more names are `other`"
    assert used < 1_000_000
