"""Mutants of a module: one small fault each. What says nothing about behaviour (docstrings, annotations, log texts,
error texts) is left alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

_COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
_SKIPPED_CALLS = {"debug", "info", "warning", "exception", "log", "getLogger", "TypeVar", "ParamSpec"}
_CHANGED = (
    ast.Compare | ast.BinOp | ast.AugAssign | ast.BoolOp | ast.UnaryOp | ast.Constant | ast.If | ast.IfExp | ast.While
    | ast.Return | ast.Expr | ast.Assign | ast.Raise | ast.Break
)  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """One fault: where it is and how it reads.

    `function` is the outermost function around it with its first line, None where it stands outside of all;
    `nested` tells that this one makes further functions, which may be in use before the fault is put in.
    """

    line: int
    text: str
    what: str
    function: tuple[str, int] | None
    nested: bool
    _source: str
    _number: int
    _variant: int

    def compiled(self, path: str) -> CodeType:
        """Return the module's code with the fault in it."""
        tree = ast.parse(self._source)
        _change(tree, _node(tree, self._number), self._variant)
        return compile(ast.fix_missing_locations(tree), path, "exec")

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what it goes by when lines move: function, source line, change."""
        return (self.function[0] if self.function else "", self.text, self.what)


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    tree = ast.parse(source)
    said = _Said()
    said.visit(ast.parse(source))
    lines = source.splitlines()
    homes = _homes(tree)
    for number, node in enumerate(ast.walk(tree)):
        if not isinstance(node, _CHANGED) or _place(node) not in said.places:
            continue
        home = homes.get(number)
        for variant in range(2 if isinstance(node, ast.Constant | ast.If | ast.IfExp | ast.While) else 1):
            changed = ast.parse(source)
            twin = _node(changed, number)
            before = _short(twin)
            after = _change(changed, twin, variant)
            if after is not None and after != before:
                function = None if home is None else (home[0], home[1])
                nested = home is not None and home[2]
                what, text = f"{before} → {after}", lines[node.lineno - 1].strip()
                yield Mutant(node.lineno, text, what, function, nested, source, number, variant)


def _node(tree: ast.Module, number: int) -> ast.AST:
    return next(node for at, node in enumerate(ast.walk(tree)) if at == number)


def _place(node: Any) -> tuple[Any, ...]:
    return type(node), node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _homes(tree: ast.Module) -> dict[int, tuple[str, int, bool]]:
    """Number of a node -> the outermost function in whose body it stands: name, first line, whether it nests."""
    inside: dict[int, tuple[str, int, bool]] = {}

    def enter(body: list[ast.stmt], prefix: str) -> None:
        for each in body:
            if isinstance(each, ast.ClassDef):
                enter(each.body, f"{prefix}{each.name}.")
            elif isinstance(each, Function):
                first = min([each.lineno, *(decorator.lineno for decorator in each.decorator_list)])
                below = [node for statement in each.body for node in ast.walk(statement)]
                nests = any(isinstance(node, Function | ast.Lambda | ast.ClassDef) for node in below)
                inside.update({id(node): (f"{prefix}{each.name}", first, nests) for node in below})

    enter(tree.body, "")
    return {number: inside[id(node)] for number, node in enumerate(ast.walk(tree)) if id(node) in inside}


class _Said(ast.NodeVisitor):
    """Collects the places of nodes that say something about behaviour."""

    def __init__(self) -> None:
        self.places: set[tuple[Any, ...]] = set()

    def generic_visit(self, node: ast.AST) -> None:
        if hasattr(node, "lineno"):
            self.places.add(_place(node))
        super().generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.places.add(_place(node))
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """An annotation."""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in node.body:
            self.visit(each)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit(node.args)
        for each in node.body:
            self.visit(each)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and _is_skipped(node.value):
            return
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if not _is_skipped(node):
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self.places.add(_place(node))  # its text is not behaviour; the raise itself is

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """A text."""


def _is_skipped(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in _SKIPPED_CALLS


def _change(tree: ast.Module, node: Any, variant: int) -> str | None:  # noqa: PLR0911, PLR0912 - a table of kinds
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
        case ast.Constant(value=bool()) if variant == 0:
            node.value = not node.value
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            node.value += 1 if variant == 0 else -1
        case ast.If() | ast.IfExp() | ast.While():
            node.test = ast.Constant(variant == 0)
            if isinstance(node, ast.While) and variant == 0:
                return None  # an endless loop is no test
        case ast.Return(value=ast.Constant(value=None | False)):
            return None  # None and False are the same to an `if`; True for False is a mutant of the constant
        case ast.Return(value=ast.expr()):
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
    ast.fix_missing_locations(node)
    return _short(node)


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> str:
    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return ast.copy_location(new, old) if node is old else super().generic_visit(node)

    Swap().visit(tree)
    return _short(ast.fix_missing_locations(new))


def _short(node: ast.AST) -> str:
    """How a node reads: of a compound statement the head only."""
    return ast.unparse(node).split("\n")[0]
