"""Mutation testing of the resilience kit: each small fault put into the code must make a test fail.

Run: python -m bench.mutation [--write] [module ...]      for example: python -m bench.mutation window fleet/storage
Without modules it takes all of backend/resilience and of its fleet. A mutant that no test kills is printed with its
line. With --write the results are kept in bench/mutation_results.json, and docs/mutation.md is made from all that is
kept there. Nothing else is written to the project: a changed module exists only in the memory of a child process.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import mutation_report
from bench.mutants import Mutant, mutants
from bench.mutation_session import HUNG, KILLED, QUIET, SURVIVED, UNSEEN, Forking, fresh, use_few_examples

ROOT = Path(__file__).resolve().parent.parent
KIT = ROOT / "backend" / "resilience"
TESTS = ROOT / "tests" / "unit" / "resilience"
FLEET = "fleet/"  # how the names of its modules begin; they have tests of their own
FLEET_TESTS = [*sorted((TESTS / "fleet").glob("test_*.py")), ROOT / "tests" / "model" / "test_found_histories.py"]

# Tests of modules that have none, or not all, under their own name.
OWN = {
    "admitted": ["breaker"],
    "breaker_states": ["breaker"],
    "control": ["breaker"],
    "error_groups": ["error_counts", "aggregator"],
    "feature": ["degradation"],
    "guard": ["guards"],
    "guarded_call": ["guard"],
    "guarded_stream": ["guard_stream"],
    "outcome": ["breaker"],
    "policy": ["guard", "public_api"],
    "recorded": ["advisor"],
    "rejection": ["breaker"],
    "replay": ["advisor"],
    "stream": ["breaker_streams"],
}
Place = tuple[str, str, Path, Mutant]  # module, its full name, its path, the mutant


def own_tests(module: str) -> list[str]:
    """The files that ought to notice first. Those of the fleet take a second together, so it is all of them."""
    if module.startswith(FLEET):
        first = [path for path in FLEET_TESTS if path.stem.startswith(f"test_{module.removeprefix(FLEET)}")]
        return [str(path) for path in [*first, *(path for path in FLEET_TESTS if path not in first)]]
    names = [module, *OWN.get(module, ()), "public_api", "defaults"]
    return [str(path) for path in sorted({path for name in names for path in TESTS.glob(f"test_{name}*.py")})]


def all_modules() -> list[str]:
    """Every module of the kit, then every module of its fleet."""
    paths = [*sorted(KIT.glob("*.py")), *sorted(KIT.glob(f"{FLEET}*.py"))]
    return [path.relative_to(KIT).with_suffix("").as_posix() for path in paths if path.stem != "__init__"]


def every(modules: Sequence[str]) -> list[Place]:
    """Return every mutant of the modules."""
    places: list[Place] = []
    for module in modules:
        path = KIT / f"{module}.py"
        name = f"backend.resilience.{module.replace('/', '.')}"
        places += [(module, name, path, each) for each in mutants(path.read_text("utf-8"))]
    return places


def judge(places: Sequence[Place]) -> list[tuple[str, Mutant, str]]:
    """Return (module, mutant, verdict) for each mutant."""
    kit = [place for place in places if not place[0].startswith(FLEET)]
    fleet = [place for place in places if place[0].startswith(FLEET)]
    return [
        *(_judged(kit, [str(path) for path in sorted(TESTS.glob("test_*.py"))]) if kit else ()),
        *(_judged(fleet, [str(path) for path in FLEET_TESTS]) if fleet else ()),
    ]


def _judged(places: Sequence[Place], everything: Sequence[str]) -> list[tuple[str, Mutant, str]]:
    verdicts = _quick(places, everything)
    known = mutation_report.explained()
    for index, (module, name, path, mutant) in enumerate(places):
        verdict = verdicts[index]
        if verdict == KILLED or (verdict == SURVIVED and mutant.function and not mutant.nested):
            continue
        if (module, *mutant.key) in known:
            continue  # slow to survive, and nobody doubts that it does
        own = own_tests(module)
        rest = [] if verdict == SURVIVED and mutant.function else [test for test in everything if test not in own]
        verdicts[index] = fresh(name, path, mutant.compiled(str(path)), [*own, *rest], 90)
        _say(places[index], verdicts[index])
    return [(places[index][0], places[index][3], verdict) for index, verdict in sorted(verdicts.items())]


def _quick(places: Sequence[Place], tests: Sequence[str]) -> dict[int, str]:
    """The verdicts of one pytest that forks for each mutant; in a child, so that this process stays as it is."""
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as told:
        child = os.fork()
        if child == 0:
            os._exit(_fork_session(places, tests, told.name))
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(1)
        return dict(json.loads(line) for line in told)


def _fork_session(places: Sequence[Place], tests: Sequence[str], told: str) -> int:
    import pytest

    use_few_examples()
    own = {name: own_tests(module) for module, name, _, _ in places}
    with open(told, "a", encoding="utf-8") as lines:

        def note(index: int, verdict: str) -> None:
            lines.write(json.dumps([index, verdict]) + "\n")
            lines.flush()
            _say(places[index], verdict)

        plugin = Forking([(name, path, mutant) for _, name, path, mutant in places], own, note)
        return int(pytest.main([*QUIET, *tests], plugins=[plugin]))


def _say(place: Place, verdict: str) -> None:
    if verdict != KILLED:
        module, _, _, mutant = place
        print(f"    {verdict}: {module}.py:{mutant.line}: {mutant.what}", file=sys.stderr, flush=True)


def again(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the survivors once more that are kept and not explained, in modules that have not changed since."""
    open_ = {module: mutation_report.unexplained(module, row) for module, row in kept.items()}
    same = [module for module, row in kept.items() if open_[module] and row["digest"] == _digest(module)]
    places = [place for place in every(same) if place[3].key in open_[place[0]]]
    alive = Counter((module, mutant.key) for module, mutant, verdict in judge(places) if verdict not in (KILLED, HUNG))
    found = {module: copy.deepcopy(kept[module]) for module in same}
    for module, row in found.items():
        row["survivors"] = [each for each in row["survivors"] if _lives(module, each, alive, open_[module])]
        row["killed"] = row["mutants"] - len(row["survivors"])
    return found


def _lives(module: str, survivor: list[Any], alive: Counter[Any], judged: set[Any]) -> bool:
    """Whether it has survived again, or was not judged again; of those that read alike, as many as have."""
    key = mutation_report.key(survivor)
    if key not in judged:
        return True
    alive[module, key] -= 1
    return alive[module, key] >= 0


def _digest(module: str) -> str:
    return hashlib.sha256((KIT / f"{module}.py").read_bytes()).hexdigest()[:12]


def results(judged: Sequence[tuple[str, Mutant, str]]) -> dict[str, Any]:
    """Return by module: digest of the source, mutants, killed, hung and the survivors' keys."""
    found: dict[str, Any] = {}
    for module, mutant, verdict in judged:
        empty = {"digest": _digest(module), "mutants": 0, "killed": 0, "hung": 0}
        row = found.setdefault(module, {**empty, "survivors": []})
        row["mutants"] += 1
        row["killed"] += verdict in (KILLED, HUNG)
        row["hung"] += verdict == HUNG
        if verdict in (SURVIVED, UNSEEN):
            row["survivors"].append([mutant.line, *mutant.key])
    for row in found.values():
        _number(row["survivors"])
    return found


def _number(survivors: list[list[Any]]) -> None:
    """Tell apart those that read alike."""
    seen: Counter[tuple[str, ...]] = Counter()
    for each in survivors:
        key = tuple(each[1:])
        seen[key] += 1
        if seen[key] > 1:
            each[3] = f"{each[3]} ({seen[key]})"


def main() -> int:
    """Mutate the modules and print what survives; returns 1 where less than 95 % are killed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("modules", nargs="*", help="names in backend/resilience, fleet/... too; all without")
    parser.add_argument("--write", action="store_true", help="keep the results and make docs/mutation.md of them")
    parser.add_argument("--again", action="store_true", help="only those that have survived and are not explained")
    parser.add_argument("--report", action="store_true", help="only make docs/mutation.md of what is kept")
    given = parser.parse_args()
    os.chdir(ROOT)
    modules = given.modules or all_modules()
    import hypothesis  # noqa: F401 - imported once here, so that the children need not
    import pytest  # noqa: F401

    if given.again:
        found = again({module: row for module, row in mutation_report.kept().items() if module in modules})
    else:
        found = {} if given.report else results(judge(every(modules)))
    if given.write or given.report or given.again:
        found = mutation_report.keep(found, all_modules())
    return mutation_report.tell(found, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
