"""Small changes to a program that its tests ought to notice.

The operators are chosen so that few changes say much: of ``a and b`` each side is left out (which also shows what ``or`` would),
of a comparison the boundary is moved and the sense turned. Annotations, decorators, docstrings and sentences for people stay,
and so does ``strict=True`` of a ``zip``: like an assertion it is there for what never happens.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "floor": "ceil", "ceil": "floor"}
UNTOUCHED = ("annotation", "returns", "decorator_list", "type_params")
PASSED_OVER = {"TypeVar", "N_"}
LONG = 200
"""Characters of a statement that is not shown whole."""


@dataclass(frozen=True)
class Mutant:
    """A changed module: where, in which function, what became what."""

    function: str
    lines: range
    change: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Every small change of *source*, one at a time, in order of the text."""
    tree = ast.parse(source)
    for place in _places(tree, (), "", range(0)):
        node = _found(tree, place.path)
        for changed in _changes(node):
            copied = copy.deepcopy(tree)
            _put(copied, place.path, changed)
            ast.fix_missing_locations(copied)
            yield Mutant(place.function, place.lines, _told(tree, copied, place.path), copied)


@dataclass(frozen=True)
class _Place:
    path: tuple[tuple[str, int | None], ...]
    function: str
    lines: range


def _places(node: ast.AST, path: tuple[tuple[str, int | None], ...], function: str, lines: range) -> Iterator[_Place]:
    """Every node that may be changed, with the lines of the statement it belongs to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
        lines = _lines(node)
    if path:
        yield _Place(path, function, lines)
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED:
            continue
        for number, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _passed_over(child):
                yield from _places(child, (*path, (name, number)), function, lines)


def _lines(node: ast.AST) -> range:
    """The lines of a statement; of one that holds others those of its head."""
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    body = getattr(node, "body", None)
    if isinstance(node, ast.match_case):
        first = node.pattern.lineno
    return range(first, max(first + 1, body[0].lineno if isinstance(body, list) else last + 1))


def _passed_over(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__" or ast.unparse(node.value).startswith("Literal[")
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PASSED_OVER


def _found(tree: ast.AST, path: tuple[tuple[str, int | None], ...]) -> ast.AST:
    for name, number in path:
        value = getattr(tree, name)
        tree = value if number is None else value[number]
    return tree


def _put(tree: ast.AST, path: tuple[tuple[str, int | None], ...], changed: ast.AST) -> None:
    holder, (name, number) = _found(tree, path[:-1]), path[-1]
    if number is None:
        setattr(holder, name, changed)
    else:
        getattr(holder, name)[number] = changed


def _told(before: ast.Module, after: ast.Module, path: tuple[tuple[str, int | None], ...]) -> str:
    """The change in its surrounding: the whole statement if it is short, else a part of it; of an ``if`` or a loop its head alone."""
    while len(path) > 1 and not isinstance(_found(before, path), ast.stmt):
        parent = _found(before, path[:-1])
        if hasattr(parent, "body") or (isinstance(parent, ast.stmt) and len(ast.unparse(parent)) > LONG):
            break
        path = path[:-1]
    return f"{ast.unparse(_found(before, path))} -> {ast.unparse(_found(after, path))}"


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    change = CHANGES.get(type(node))
    if change is not None:
        yield from change(node)


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for number, each in enumerate(node.ops):
        for other in TURNED[type(each)]:
            yield ast.Compare(node.left, [*node.ops[:number], other(), *node.ops[number + 1 :]], node.comparators)


def _either(node: ast.BoolOp) -> Iterator[ast.AST]:
    for number in range(len(node.values)):
        kept = node.values[:number] + node.values[number + 1 :]
        yield kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)


def _unary(node: ast.UnaryOp) -> Iterator[ast.AST]:
    yield node.operand


def _binary(node: ast.BinOp) -> Iterator[ast.AST]:
    if type(node.op) in OTHER and not isinstance(node.left, ast.JoinedStr):
        yield ast.BinOp(node.left, OTHER[type(node.op)](), node.right)


def _added(node: ast.AugAssign) -> Iterator[ast.AST]:
    yield ast.Pass()
    if type(node.op) in OTHER:
        yield ast.AugAssign(node.target, OTHER[type(node.op)](), node.value)


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"\x01")
    elif isinstance(value, str) and " " not in value:
        yield ast.Constant(value + "XX")


def _call(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in NAMES:
        keywords = [] if node.func.id == "sorted" else node.keywords
        yield ast.Call(ast.Name(NAMES[node.func.id], ast.Load()), node.args, keywords)
    for number, keyword in enumerate(node.keywords):
        if _passed_over(keyword):
            continue
        yield ast.Call(node.func, node.args, node.keywords[:number] + node.keywords[number + 1 :])


def _conditional(node: ast.If | ast.While | ast.IfExp) -> Iterator[ast.AST]:
    if isinstance(node.test, ast.Compare | ast.UnaryOp | ast.BoolOp):
        return  # changed by themselves
    changed = copy.copy(node)
    changed.test = ast.UnaryOp(ast.Not(), node.test)
    yield changed


def _comprehension(node: ast.comprehension) -> Iterator[ast.AST]:
    for number in range(len(node.ifs)):
        yield ast.comprehension(node.target, node.iter, node.ifs[:number] + node.ifs[number + 1 :], node.is_async)


def _statement(_node: ast.Expr | ast.Raise) -> Iterator[ast.AST]:
    yield ast.Pass()


def _assigned(node: ast.Assign) -> Iterator[ast.AST]:
    if not isinstance(node.targets[0], ast.Name):
        yield ast.Pass()


def _continue(_node: ast.Continue) -> Iterator[ast.AST]:
    yield ast.Break()


def _break(_node: ast.Break) -> Iterator[ast.AST]:
    yield ast.Continue()


CHANGES: dict[type[ast.AST], Callable[..., Iterator[ast.AST]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _either,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.AugAssign: _added,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.If: _conditional,
    ast.While: _conditional,
    ast.IfExp: _conditional,
    ast.comprehension: _comprehension,
    ast.Expr: _statement,
    ast.Raise: _statement,
    ast.Assign: _assigned,
    ast.Continue: _continue,
    ast.Break: _break,
}
