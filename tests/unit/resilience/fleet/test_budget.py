"""The retry budget of several workers: reserves, and what the server sets aside."""

import pytest

from backend.resilience.fleet import Fleet, MemoryServer, Timing
from backend.resilience.fleet.server import ServerAwayError
from backend.resilience.testing import FakeClock


class Server(MemoryServer):
    away = False

    def ask(self, requests):
        if self.away:
            raise ServerAwayError("refused")
        return super().ask(requests)


class Worker:
    def __init__(self, server, clock, **options):
        self.fleet = Fleet(server, clock=clock, timing=Timing())
        self.budget = self.fleet.budget("upstream", **options)
        self.exchange()

    def exchange(self):
        self.fleet.exchange.poll_soon()
        self.fleet.exchange.step()

    def calls(self, count):
        for _ in range(count):
            self.budget.note_call()

    def spend(self, most=1000):
        """Spend as long as it may; return how often."""
        spent = 0
        while spent < most and self.budget.try_spend():
            spent += 1
        return spent


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture
def workers(server, clock):
    return [Worker(server, clock) for _ in range(3)]


def rounds(workers, clock, count=20, calls=0):
    """So many exchanges of all, each spending all it may; return what was spent."""
    spent = 0
    for _ in range(count):
        for worker in workers:
            worker.calls(calls)
            spent += worker.spend()
            worker.exchange()
        clock.advance(0.05)
    return spent


def test_the_fewest_retries_are_of_all_workers_together(workers, clock):
    assert rounds(workers, clock) == 3


def test_a_share_of_the_calls_of_all_may_be_retried_and_not_one_more(workers, clock):
    workers[0].calls(500)
    workers[0].exchange()
    assert rounds(workers, clock, 200) == 100


def test_who_calls_most_gets_what_it_needs(workers, clock):
    spent = 0
    for _ in range(100):
        workers[0].calls(10)
        spent += workers[0].spend()
        workers[0].exchange()
        clock.advance(0.05)
    assert 150 <= spent <= 200, "of 1000 calls; the others hold no more than one each"


def test_a_retry_asks_nobody(workers, server):
    server.away = True
    assert workers[0].budget.try_spend()
    assert workers[0].budget.available == 0


def test_a_reserve_that_was_not_renewed_is_void(workers, clock):
    assert workers[0].budget.available == 1
    clock.advance(4.0)
    assert workers[0].budget.available == 1
    clock.advance(0.1)
    assert workers[0].budget.available == 0
    assert not workers[0].budget.try_spend()


def test_an_empty_reserve_asks_for_more_soon(workers):
    workers[0].exchange()
    workers[0].spend()
    assert workers[0].fleet.exchange.pause() == pytest.approx(0.05)


def test_without_the_server_each_goes_by_its_own_calls(workers, server, clock):
    workers[0].calls(100)
    server.away = True
    workers[0].exchange()
    assert workers[0].budget.available == 20
    assert workers[0].spend() == 20
    server.away = False
    clock.advance(1.0)
    workers[0].exchange()
    assert workers[0].budget.available == 0, "what was spent alone counts"


def test_calls_and_retries_are_forgotten_after_the_window(workers, clock):
    workers[0].calls(500)
    workers[0].exchange()
    rounds(workers, clock, 200)
    clock.advance(70)
    assert rounds(workers, clock) == 3


def test_the_reserve_of_a_worker_that_says_no_more_returns(server, clock):
    first = Worker(server, clock, minimum=1)
    second = Worker(server, clock, minimum=1)
    assert (first.budget.available, second.budget.available) == (1, 0)
    clock.advance(5.0)
    second.exchange()
    assert second.budget.available == 1


def test_who_has_nothing_to_do_makes_room_when_others_are_short(server, clock):
    idle = Worker(server, clock, minimum=1)
    busy = Worker(server, clock, minimum=1)
    assert not busy.budget.try_spend()
    busy.exchange()
    idle.exchange()
    idle.exchange()
    busy.budget.try_spend()
    busy.exchange()
    assert (idle.budget.available, busy.budget.available) == (0, 1)
