"""Histories in which the model once found a promise broken, shrunk to what was needed, and told again."""

import logging

import pytest

from tests.model.machine import FleetMachine, RateMachine, TimeMachine


class Draws:
    """Stands in for Hypothesis' data: gives what was drawn then."""

    def __init__(self, *values):
        self._values = list(values)

    def draw(self, _):
        return self._values.pop(0)


class Told:
    """A machine whose promises are held against it after each step, and once more at the end."""

    def __init__(self, machine):
        self.machine = machine

    def __getattr__(self, name):
        step = getattr(self.machine, name)

        def made(**arguments):
            step(**arguments)
            self.machine.everything_holds()

        return made


@pytest.fixture
def machine():
    return FleetMachine


@pytest.fixture
def told(caplog, machine):
    caplog.set_level(logging.CRITICAL, "jupiter.resilience")
    history = Told(machine())
    yield history
    history.machine.teardown()


def test_a_worker_half_open_on_its_own_takes_on_the_number_of_the_fleets_half_open_state(told):
    """Found after 137,708 steps: cut off, it came to a higher number; the fleet's stayed below it for ever."""
    told.an_outage(seconds=0.0, times=1)
    told.an_outage(seconds=0.06, times=2)
    told.the_break_passes(first=0)
    told.a_process_is_in_trouble(number=0, what="cut")
    told.finish(data=Draws(0), outcome="success")
    told.time_passes(first=0, seconds=2.0)
    told.all_begin(first=0)
    told.an_outage(seconds=0.0, times=2)
    told.finish(data=Draws(1), outcome="failure")
    told.an_outage(seconds=0.0, times=1)
    told.deliver_all()
    told.the_break_passes(first=0)
    assert told.machine.world.record["state"] == "half_open"


def test_a_probe_that_a_forgetful_server_admitted_under_a_lower_number_keeps_its_permit(told):
    """Found after 52,599 steps: the next message took the permit away from a stream that went on; another joined it."""
    told.an_outage(seconds=0.0, times=3)
    told.time_passes(first=0, seconds=0.06)
    told.the_break_passes(first=0)
    told.the_server_is_in_trouble(what="down")
    told.a_person_decides(number=0, seconds=None, what="reset")
    told.time_passes(first=0, seconds=1.1)
    told.the_server_is_back(forgetful=False)
    told.time_passes(first=0, seconds=1.1)
    told.the_server_is_in_trouble(what="evict")
    told.all_begin(first=0)
    (probe,) = told.machine.probes
    told.a_probe_is_a_long_stream(data=Draws(probe), first=0)
    assert told.machine.probes == [probe]


@pytest.mark.parametrize("machine", [TimeMachine])
def test_a_persons_older_decision_that_comes_again_by_a_higher_number_gives_way_to_the_newer_one(told):
    """Found in the TimeMachine after 180,000 steps: worker and server told each other the same for ever."""
    told.a_person_decides(number=0, seconds=None, what="reset")
    told.a_process_is_in_trouble(number=0, what="reply")
    told.a_person_decides(number=0, seconds=None, what="reset")
    told.a_person_decides(number=1, seconds=None, what="reset")
    told.a_person_decides(number=1, seconds=None, what="reset")
    told.a_process_is_in_trouble(number=1, what="stall")
    told.a_process_is_in_trouble(number=0, what="stall")
    told.a_process_is_in_trouble(number=1, what="reply")
    told.a_process_is_well_again(number=0)
    told.a_process_is_in_trouble(number=1, what="cut")
    told.a_process_is_well_again(number=1)
    told.deliver(again=False, data=Draws(0), number=1)
    told.the_server_is_in_trouble(what="down")
    told.the_server_is_back(forgetful=True)
    told.machine.world.advance(1.1)


@pytest.mark.parametrize("machine", [RateMachine])
def test_an_item_that_comes_in_the_moment_in_which_the_permit_ends_does_not_keep_it(told):
    told.an_outage(seconds=0.0, times=1)
    told.an_outage(seconds=0.06, times=3)
    told.the_break_passes(first=0)
    probe = told.machine.probes[0]
    for _ in range(2):
        told.a_probe_is_a_long_stream(data=Draws(probe), first=0)
    told.deliver_all()
    told.time_passes(first=0, seconds=0.2)
    told.time_passes(first=0, seconds=1.1)
    told.a_probe_is_a_long_stream(data=Draws(probe), first=0)
    assert probe not in told.machine.probes
