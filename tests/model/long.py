"""The long run of the model: python -m tests.model.long --steps 1000000.

Prints how many steps were made and how often what matters happened. The steps are chosen anew in each run; one that
breaks a promise is shrunk and printed as a program that repeats it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import MACHINES

LENGTH = 100
EXAMPLES = 200


def run(machine: type, steps: int) -> Counter[str]:
    """Make at least so many steps with one machine; returns how often what happened."""
    done: Counter[str] = Counter()

    class Counted(machine):  # type: ignore[misc]  # any of the machines
        def teardown(self) -> None:
            super().teardown()
            done.update(self.happened, steps=self.steps, histories=1)

    Counted.__name__ = machine.__name__
    began = time.monotonic()
    while done["steps"] < steps:
        run_state_machine_as_test(
            Counted,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=LENGTH,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink),
            ),
        )
        sys.stdout.write(f"{machine.__name__}: {done['steps']} steps in {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
    return done


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.long", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="steps to make in all")
    parser.add_argument("--machine", choices=[machine.__name__ for machine in MACHINES], help="only this one")
    given = parser.parse_args()
    logging.getLogger("jupiter.resilience").setLevel(logging.CRITICAL)
    machines = [machine for machine in MACHINES if given.machine in (None, machine.__name__)]
    total: Counter[str] = Counter()
    for machine in machines:
        total += run(machine, -(-given.steps // len(machines)))
    sys.stdout.write(", ".join(f"{count} {name}" for name, count in total.most_common()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
