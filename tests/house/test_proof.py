"""The program that measures how well the tests prove the pure parts (``make coverage``, ``make mutants``)."""

from __future__ import annotations

import ast
import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = tomllib.loads((ROOT / "tests" / "proof.toml").read_text(encoding="utf-8"))

spec = importlib.util.spec_from_file_location("mutate", ROOT / "tests" / "mutate.py")
assert spec is not None
assert spec.loader is not None
mutate = importlib.util.module_from_spec(spec)
sys.modules["mutate"] = mutate
spec.loader.exec_module(mutate)

SOURCE = '''
"""Said."""
def f(a: int = 1, *, b: str | None = None) -> bool:
    """Said too."""
    if a < 2 and b:
        a += 1
    return not g(*zip(a, b, strict=True), key=b)
'''


@pytest.mark.parametrize("name", PARTS)
def test_each_part_names_modules_and_tests_that_are_there(name: str) -> None:
    """A part of ``proof.toml`` whose module or test was moved proves nothing; a change without a reason explains nothing."""
    part = PARTS[name]
    files = [ROOT / (module.replace(".", "/") + ".py") for module in part["modules"]]
    missing = [
        path for path in [*files, *(ROOT / test.partition("::")[0] for test in part["tests"])] if not path.is_file()
    ]

    assert missing == []
    assert [
        each for each in part.get("unchanged", ()) if not each["why"] or each["module"] not in part["modules"]
    ] == []


def test_a_mutant_is_one_small_change() -> None:
    """Boundaries, senses, sides of conditions, numbers, statements and keywords change one at a time; annotations, docstrings and ``strict`` never."""
    found = [mutant.change for mutant in mutate.mutants(SOURCE)]

    assert found == [
        "a: int=1, *, b: str | None=None -> a: int=2, *, b: str | None=None",
        "a: int=1, *, b: str | None=None -> a: int=0, *, b: str | None=None",
        "a < 2 and b -> b",
        "a < 2 and b -> a < 2",
        "a < 2 and b -> a <= 2 and b",
        "a < 2 and b -> a >= 2 and b",
        "a < 2 and b -> a < 3 and b",
        "a < 2 and b -> a < 1 and b",
        "a += 1 -> pass",
        "a += 1 -> a -= 1",
        "a += 1 -> a += 2",
        "a += 1 -> a += 0",
        "return not g(*zip(a, b, strict=True), key=b) -> return g(*zip(a, b, strict=True), key=b)",
        "return not g(*zip(a, b, strict=True), key=b) -> return not g(*zip(a, b, strict=True))",
    ]


def test_a_mutant_knows_its_function_and_runs() -> None:
    """What a mutant holds is a module that compiles, and its lines are those of the statement that changed."""
    for mutant in mutate.mutants(SOURCE):
        compile(mutant.tree, "changed", "exec")
        assert mutant.function == "f"
        assert ast.unparse(mutant.tree) != ast.unparse(ast.parse(SOURCE))
    assert [mutant.lines for mutant in mutate.mutants(SOURCE)][-1] == range(7, 8)
