"""Mutation testing of the resilience kit: each small fault put into the code must make a test fail.

Run: python -m bench.mutation [module ...]      for example: python -m bench.mutation window breaker_states
Without modules it takes all of backend/resilience, which needs about an hour. A mutant that no test kills is printed
with its line. Nothing is written to the project: the changed module exists only in the memory of a child process.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KIT = ROOT / "backend" / "resilience"
TESTS = ROOT / "tests" / "unit" / "resilience"
SECONDS = 60
# The plugins are imported before pytest could rewrite them, once and not in each child.
QUIET = "-W 'ignore:Module already imported' --hypothesis-seed=0 -x -q --no-header -p no:cacheprovider"
QUIET += " -p no:schemathesis -p no:anyio"

# Tests of modules that have none of their own name.
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
    "policy": ["guard"],
    "recorded": ["advisor"],
    "rejection": ["breaker"],
    "replay": ["advisor"],
    "stream": ["breaker_streams"],
}

_COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
# What says nothing about behaviour: annotations, docstrings, log texts, reprs.
_SKIPPED_CALLS = {"debug", "info", "warning", "exception", "log", "getLogger", "TypeVar", "ParamSpec"}


@dataclass(frozen=True)
class Mutant:
    """One changed module: where, what, and the code."""

    line: int
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    tree = ast.parse(source)
    places = [node for node in ast.walk(_without_the_unsaid(copy.deepcopy(tree))) if hasattr(node, "lineno")]
    positions = {(type(node), node.lineno, node.col_offset, getattr(node, "end_col_offset", 0)) for node in places}
    nodes = list(ast.walk(tree))
    for number, node in enumerate(nodes):
        if not hasattr(node, "lineno"):
            continue
        if (type(node), node.lineno, node.col_offset, node.end_col_offset) not in positions:
            continue
        for what in range(_variants(node)):
            changed = copy.deepcopy(tree)
            twin = list(ast.walk(changed))[number]
            before = ast.unparse(twin)
            after = _change(changed, twin, what)
            if after is not None and after != before:
                yield Mutant(node.lineno, f"{before}  ->  {after}", changed)


def _without_the_unsaid(tree: ast.Module) -> ast.Module:
    class Strip(ast.NodeTransformer):
        def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
            node.annotation = ast.Constant(None)
            return self.generic_visit(node)

        def visit_arguments(self, node: ast.arguments) -> Any:
            node.posonlyargs, node.args, node.kwonlyargs = [], [], []
            return self.generic_visit(node)

        def visit_ClassDef(self, node: ast.ClassDef) -> Any:
            node.decorator_list = []
            return self.generic_visit(node)

        def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
            node.returns, node.decorator_list = None, []
            return self.generic_visit(node)

        def visit_Expr(self, node: ast.Expr) -> Any:
            return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

        def visit_Call(self, node: ast.Call) -> Any:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            return ast.Constant(None) if name in _SKIPPED_CALLS else self.generic_visit(node)

        def visit_If(self, node: ast.If) -> Any:
            hidden = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            return None if hidden else self.generic_visit(node)

        def visit_Raise(self, node: ast.Raise) -> Any:
            return node if node.exc is None else ast.Raise()  # its text is not behaviour; the raise itself is

        def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
            return ast.Constant(None)

    return Strip().visit(tree)


def _variants(node: ast.AST) -> int:
    return 2 if isinstance(node, ast.Constant | ast.If | ast.IfExp | ast.While) else 1


def _change(tree: ast.Module, node: Any, what: int) -> str | None:  # noqa: PLR0912 - a table of kinds
    """Change `node` within `tree`; return how it reads now, None where there is nothing to change."""
    match node:
        case ast.Compare() if len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
            node.ops[0] = _COMPARE[type(node.ops[0])]()
        case ast.BinOp() if type(node.op) in _BINARY:
            node.op = _BINARY[type(node.op)]()
        case ast.AugAssign() if type(node.op) in _BINARY:
            node.op = _BINARY[type(node.op)]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not()):
            return _replace(tree, node, node.operand)
        case ast.Constant(value=bool()) if what == 0:
            node.value = not node.value
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            node.value += 1 if what == 0 else -1
        case ast.If() | ast.IfExp() | ast.While():
            node.test = ast.Constant(what == 0)
            if isinstance(node, ast.While) and what == 0:
                return None  # an endless loop is no test
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            node.value = ast.Constant(None)
        case ast.Expr(value=ast.Call()):
            return _replace(tree, node, ast.Pass())
        case ast.Assign() if isinstance(node.targets[0], ast.Attribute):
            return _replace(tree, node, ast.Pass())
        case ast.Raise():
            return _replace(tree, node, ast.Pass())
        case ast.Break():
            return _replace(tree, node, ast.Continue())
        case _:
            return None
    return ast.unparse(ast.fix_missing_locations(node))


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> str:
    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return ast.copy_location(new, old) if node is old else super().generic_visit(node)

    Swap().visit(tree)
    ast.fix_missing_locations(tree)
    return ast.unparse(new)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the import system the mutant in place of the module."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self._name, self._path, self._tree = name, path, tree

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        return (
            importlib.util.spec_from_loader(fullname, self, origin=str(self._path)) if fullname == self._name else None
        )

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)


def killed(name: str, path: Path, tree: ast.Module, tests: Sequence[str]) -> bool:
    """Run the tests against a mutant in a child process; tell whether one fails (or it does not come to an end)."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            status = _try(name, path, tree, tests)
        os._exit(status)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _try(name: str, path: Path, tree: ast.Module, tests: Sequence[str]) -> int:
    silence = os.open(os.environ.get("MUTATION_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(tempfile.gettempdir()) / "mutation-hypothesis")
    sys.meta_path.insert(0, _Changed(name, path, tree))
    import hypothesis
    import pytest

    hypothesis.settings.register_profile("mutation", max_examples=25, deadline=None)
    hypothesis.settings.load_profile("mutation")
    return int(pytest.main([*shlex.split(QUIET), *tests]))


def suite_for(module: str, own_only: bool = False) -> list[str]:
    """The tests that ought to notice: those of the module first, then, unless `own_only`, all of the kit."""
    names = [module, *OWN.get(module, ())]
    own = sorted({path for name in names for path in TESTS.glob(f"test_{name}*.py")})
    rest = [path for path in sorted(TESTS.glob("test_*.py")) if path not in own]
    return [str(path) for path in (own if own and own_only else (*own, *rest))]


def main() -> int:
    """Mutate the modules and print what survives; returns 1 where less than 95 % are killed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("modules", nargs="*", help="names in backend/resilience, all without")
    parser.add_argument("--own", action="store_true", help="only the tests of the module itself: quick, and stricter")
    given = parser.parse_args()
    modules = given.modules or sorted(path.stem for path in KIT.glob("*.py") if path.stem != "__init__")
    import hypothesis  # noqa: F401 - imported once here, so that the children need not
    import pytest  # noqa: F401

    dead = alive = 0
    for module in modules:
        path = KIT / f"{module}.py"
        tests = suite_for(module, given.own)
        source = path.read_text(encoding="utf-8")
        if killed(f"backend.resilience.{module}", path, ast.parse(source), tests):
            raise SystemExit(f"{module}: the tests fail without any change, so they can tell nothing")
        survivors, count = [], 0
        for mutant in mutants(source):
            count += 1
            if not killed(f"backend.resilience.{module}", path, mutant.tree, tests):
                survivors.append(mutant)
        dead, alive = dead + count - len(survivors), alive + len(survivors)
        print(f"{module}: {count - len(survivors)} of {count} killed", flush=True)
        for mutant in survivors:
            print(f"    {path.relative_to(ROOT)}:{mutant.line}: {mutant.what}", flush=True)
    share = dead / (dead + alive) if dead + alive else 1.0
    print(f"\n{dead} of {dead + alive} killed, {share:.1%}")
    return 0 if share >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
