"""The quick half of mutation testing: pytest starts and collects once, then forks a child for each mutant.

In the child the code of the function that holds the fault is exchanged, and the tests that enter this function run, the
quickest first, up to the first failure. Of a fault outside of functions, the constants and defaults are exchanged and
the module's own tests run. Whatever survives there, and may have been used before it was exchanged, is judged again by
`fresh`: a pytest of its own, whose import system gives the changed module.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.abc
import importlib.util
import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from os import waitpid  # these three before eventlet takes their place: the parent must not start an event loop
from pathlib import Path
from time import monotonic, sleep
from types import CodeType, FunctionType, ModuleType
from typing import Any

from bench.mutants import Mutant

# The plugins are imported before pytest could rewrite them, once and not in each child.
QUIET = (
    "-W",
    "ignore:Module already imported",
    "-W",
    "ignore:Using fork",
    "--hypothesis-seed=0",
    "-x",
    "-q",
    "-s",
    "--no-header",
)
QUIET += ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio")
KILLED, SURVIVED, HUNG, UNSEEN = "killed", "survived", "hung", "unseen"
Place = tuple[str, str, int]  # file, function, first line


def in_child(work: Callable[[], int], seconds: float) -> str:
    """Run `work` in a child process, silently; a status of 0 means that the mutant survived."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            silence = os.open(os.environ.get("MUTATION_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            status = work()
        os._exit(status)
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        done, status = waitpid(child, os.WNOHANG)
        if done:
            return SURVIVED if status == 0 else KILLED
        sleep(0.005)
    os.kill(child, signal.SIGKILL)
    waitpid(child, 0)
    return HUNG


def use_few_examples() -> None:
    """Hypothesis with few examples and without the search for the smallest one; before any test is imported."""
    import hypothesis

    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(tempfile.gettempdir()) / "mutation-hypothesis")
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", max_examples=25, deadline=None, phases=phases)
    hypothesis.settings.load_profile("mutation")


def fresh(name: str, path: Path, code: CodeType, tests: Sequence[str], seconds: float) -> str:
    """Judge a mutant by a pytest of its own, in which the module is imported as `code`."""

    def work() -> int:
        sys.meta_path.insert(0, _Changed(name, path, code))
        import pytest

        use_few_examples()
        return int(pytest.main([*QUIET, *tests]))

    return in_child(work, seconds)


class Forking:
    """A pytest plugin that judges mutants in place of running the tests once.

    Args:
        mutants: (module's name, its path, mutant).
        own: module's name -> files of its own tests.
        note: told of each verdict, by the mutant's index.
    """

    def __init__(
        self,
        mutants: Sequence[tuple[str, Path, Mutant]],
        own: Mapping[str, Sequence[str]],
        note: Callable[[int, str], object],
    ) -> None:
        self._mutants = mutants
        self._own = own
        self._note = note
        self._items: dict[str, Any] = {}
        self._took: dict[str, float] = {}
        self._entering: dict[Place, list[str]] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        """Find out which test enters which function, then judge one mutant after the other."""
        self._items = {item.nodeid: item for item in session.items}
        self._survey(session)
        functions = _functions({str(path) for _, path, _ in self._mutants})
        for index, (name, path, mutant) in enumerate(self._mutants):
            if mutant.function is None:
                self._note(index, self._judge_module(session, name, path, mutant))
            else:
                self._note(index, self._judge(session, functions, str(path), mutant))
        self._control(session, functions)  # at the end: nor has a busy machine made tests fail by then
        return True

    def _judge(self, session: Any, functions: dict[Place, list[FunctionType]], path: str, mutant: Mutant) -> str:
        name, line = mutant.function or ("", 0)
        place = (path, name, line)
        tests = self._entering.get(place, [])
        if not tests or place not in functions:
            return UNSEEN

        def work() -> int:
            code = _code_of(mutant.compiled(path), name, line)
            for function in functions[place]:
                function.__code__ = code
            return self._run(session, tests)

        return in_child(work, self._limit(tests))

    def _judge_module(self, session: Any, name: str, path: Path, mutant: Mutant) -> str:
        tests = [test for test, item in self._items.items() if str(item.path) in self._own[name]]

        def work() -> int:
            _transplant(sys.modules[name], mutant.compiled(str(path)))
            return self._run(session, tests)

        return in_child(work, self._limit(tests))

    def _control(self, session: Any, functions: dict[Place, list[FunctionType]]) -> None:
        """Exchanging a module by itself must kill nothing."""

        def work() -> int:
            for name, path in {(name, path) for name, path, _ in self._mutants}:
                code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
                for place in [place for place in functions if place[0] == str(path) and "<locals>" not in place[1]]:
                    for function in functions[place]:
                        function.__code__ = _code_of(code, place[1], place[2])
                _transplant(sys.modules[name], code)
            return self._run(session, self._items)

        if in_child(work, self._limit(self._items)) != SURVIVED:
            raise SystemExit("the tests fail on a module that was exchanged by itself, so they can tell nothing")

    def _limit(self, tests: Iterable[str]) -> float:
        return 30 + 4 * sum(self._took[test] for test in tests)

    def _run(self, session: Any, tests: Iterable[str]) -> int:
        items = [self._items[test] for test in tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                print(f"\nkilled by {item.nodeid}", flush=True)  # to be read where MUTATION_LOG names a file
                return 1
        return 0

    def _survey(self, session: Any) -> None:
        """Run everything once in a child that writes down what each test enters."""
        with tempfile.NamedTemporaryFile("r", suffix=".json") as told:
            outcome = in_child(lambda: self._traced(session, told.name), 900)
            if outcome != SURVIVED:
                raise SystemExit("the tests fail without any fault put in, so they can tell nothing")
            found = json.load(told)
        self._took = {test: took for test, took, _ in found}
        for test, _, places in sorted(found, key=lambda each: each[1]):
            for place in places:
                self._entering.setdefault(tuple(place), []).append(test)

    def _traced(self, session: Any, told: str) -> int:
        paths = {str(path) for _, path, _ in self._mutants}
        entered: set[Place] = set()

        def trace(frame: Any, *_: Any) -> None:
            code = frame.f_code
            if code.co_filename in paths:
                entered.add((code.co_filename, code.co_qualname.split(".<locals>")[0], 0))
                entered.add((code.co_filename, code.co_qualname, code.co_firstlineno))

        found = []
        for test in self._items:
            entered.clear()
            sys.setprofile(trace)
            threading.setprofile(trace)
            started = monotonic()
            failed = self._run(session, [test])
            took = monotonic() - started
            sys.setprofile(None)
            if failed:
                return 1
            found.append((test, took, sorted(entered)))
        Path(told).write_text(json.dumps(found), encoding="utf-8")
        return 0


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the import system the mutant in place of the module."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(self._code, module.__dict__)

    def get_code(self, _: str) -> CodeType:
        """For `runpy`, which runs a module as the main one."""
        return self._code


def _functions(paths: set[str]) -> dict[Place, list[FunctionType]]:
    """Every function of these files that is alive, by its place."""
    found: dict[Place, list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename in paths:
            code = each.__code__
            found.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(each)
    return found


def _code_of(module: CodeType, name: str, line: int) -> CodeType:
    """The code of a function within that of its module."""
    waiting = [module]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == name and code.co_firstlineno == line:
            return code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    raise LookupError(name)


_PLAIN = (bool, int, float, str, bytes, tuple, frozenset, type(None), re.Pattern, set, datetime)


def _transplant(old: ModuleType, code: CodeType) -> None:
    """Give a module the constants and the defaults that its changed code has, wherever they were imported to.

    An object of one of its own classes stays the one it was, for one made anew would be of another class; where it is a
    dataclass it gets the new values.
    """
    new = ModuleType(old.__name__)
    new.__file__ = old.__file__
    exec(code, new.__dict__)
    for name, value in vars(new).items():
        before = vars(old).get(name)
        if isinstance(value, type) and value.__module__ == old.__name__ and isinstance(before, type):
            _transplant_class(before, value)
        elif isinstance(value, FunctionType) and isinstance(before, FunctionType):
            _transplant_defaults(before, value)
        elif value is before:
            continue
        elif isinstance(value, dict) and not name.startswith("__"):
            before.clear()
            before.update(value)
        elif type(before).__name__ == type(value).__name__ and is_dataclass(value):
            for field in fields(value):
                object.__setattr__(before, field.name, getattr(value, field.name))
        elif isinstance(value, _PLAIN) and not name.startswith("__"):
            for module in list(sys.modules.values()):
                if getattr(module, "__dict__", {}).get(name) is before:
                    setattr(module, name, value)


def _transplant_class(old: type, new: type) -> None:
    for name, value in vars(new).items():
        before = vars(old).get(name)
        inner, inner_before = getattr(value, "__func__", value), getattr(before, "__func__", before)
        if isinstance(inner, FunctionType) and isinstance(inner_before, FunctionType):
            _transplant_defaults(inner_before, inner)
        elif isinstance(value, _PLAIN) and not name.startswith("__") and before != value:
            with contextlib.suppress(AttributeError, TypeError):
                setattr(old, name, value)


def _transplant_defaults(old: FunctionType, new: FunctionType) -> None:
    if old.__defaults__ and new.__defaults__ and len(old.__defaults__) == len(new.__defaults__):
        pairs = zip(old.__defaults__, new.__defaults__, strict=True)
        old.__defaults__ = tuple(after if isinstance(after, _PLAIN) else before for before, after in pairs)
    for name, after in (new.__kwdefaults__ or {}).items():
        if old.__kwdefaults__ and isinstance(after, _PLAIN):
            old.__kwdefaults__[name] = after
