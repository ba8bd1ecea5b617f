"""How well the tests of the pure parts prove them: branches that they take, and small mistakes that they notice.

    python tests/proof.py coverage [PART ...]           (make coverage; fails below 95 % of the branches of a module)
    python tests/proof.py mutants [PART | MODULE ...]   (make mutants; fails when a mutant survives that nobody explained)

``tests/proof.toml`` names the parts: their modules, the tests that prove them, and the mutants that change nothing, each with the
reason. A mutant lives in a process forked from one that has everything else loaded, so that it costs what its tests cost; it is
first shown to the tests that run the changed line, then, if it survives, to all tests of the part. Nothing is written into
the tree. Needs ``os.fork``.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import importlib.abc
import importlib.util
import io
import json
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec
from itertools import accumulate, islice
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from mutate import Mutant, mutants  # noqa: E402 - beside this program

PARTS = ROOT / "tests" / "proof.toml"
LEAST = 95.0
"""Per cent of the branches of each module."""
MEMORY = 8 << 30
DEAF = -1
"""No answer within the time a mutant has."""


@dataclass(frozen=True)
class Part:
    """Modules that belong together, the tests that prove them, and changes that are none, as (module, function, change)."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    unchanged: dict[tuple[str, str, str], str]
    marks: str = "not wire and not system"

    def file(self, module: str) -> Path:
        """The source of a module."""
        return ROOT / (module.replace(".", "/") + ".py")


def parts(path: Path = PARTS) -> list[Part]:
    """All parts of *path*."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Part(
            name,
            tuple(each["modules"]),
            tuple(each["tests"]),
            {(same["module"], same["function"], same["change"]): same["why"] for same in each.get("unchanged", ())},
            each.get("marks", Part.marks),
        )
        for name, each in found.items()
    ]


class Watcher:
    """Which test ran and how long; says to *heard* which test begins. Of *wanted* tests, with their seconds, the quick ones go first."""

    def __init__(self, wanted: dict[str, float] | None = None, heard: Callable[[str], object] = str) -> None:
        self.wanted, self.heard = wanted, heard
        self.seconds: dict[str, float] = {}

    def pytest_configure(self) -> None:
        """The same examples every time, and none made smaller: red is enough."""
        settings.register_profile(
            "proof", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
        )
        settings.load_profile("proof")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only what is wanted, the quickest first."""
        wanted = self.wanted
        if wanted is not None:
            items[:] = sorted((item for item in items if item.nodeid in wanted), key=lambda item: wanted[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.heard(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Adds up set-up, call and teardown."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run_tests(part: Part, files: Sequence[str], watcher: Watcher) -> int:
    """Exit code of pytest."""
    folder = tempfile.mkdtemp(prefix="proof-")
    try:
        words = [
            "-q",
            "-x",
            "--assert=plain",
            "-p",
            "no:cacheprovider",
            f"--basetemp={folder}/t",
            "-m",
            part.marks,
            *files,
        ]
        return int(pytest.main(words, plugins=[watcher]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forked(work: Callable[[], object], limit_s: float) -> tuple[int, Any]:
    """Exit code and result of *work* in a silent process of its own; ``DEAF`` if it does not end in time."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        _work(work, write)
    os.close(write)
    said, until = b"", time.monotonic() + limit_s
    with os.fdopen(read, "rb", buffering=0) as out:
        while select.select([out], [], [], max(0.0, until - time.monotonic()))[0]:
            piece = out.read(1 << 16)
            if not piece:
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                return code, pickle.loads(said) if code == 0 else None  # noqa: S301 - written by our own child
            said += piece
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return DEAF, None


def _work(work: Callable[[], object], write: int) -> NoReturn:
    """The child: what *work* returns goes into the pipe *write*."""
    code, loud = 3, "PROOF_LOUD" in os.environ
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0,) if loud else (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with os.fdopen(write, "wb") as out:
            pickle.dump(work(), out)
        code = 0
    except BaseException:  # noqa: BLE001 - told by the exit code
        if loud:
            traceback.print_exc()
    finally:
        os._exit(code)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module other code than its file holds."""

    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        self.name, self.file, self.code = name, file, code

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        """Of the one module."""
        del path, target
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """The changed code."""
        exec(self.code, module.__dict__)  # noqa: S102 - our own module, changed


@dataclass(frozen=True)
class Known:
    """What the unchanged module shows: the tests by line (all tests for a line that runs at import), seconds, and what was loaded."""

    by_line: dict[int, set[str]]
    seconds: dict[str, float]
    loaded: tuple[str, ...]


def learn(part: Part, module: str) -> Known:
    """One run of all tests of *part* over *module* as it is."""
    import coverage

    file = part.file(module)
    watch = coverage.Coverage(data_file=None, include=[str(file)], config_file=False)
    watch.start()
    watcher = Watcher(heard=watch.switch_context)
    code = run_tests(part, part.tests, watcher)
    watch.stop()
    if code:
        raise SystemExit(f"the tests of {part.name} are red as they are")
    data = watch.get_data()
    contexts = data.contexts_by_lineno(str(file))
    every = set(watcher.seconds)
    by_line = {line: every if "" in each else set(each) & every for line, each in contexts.items()}
    return Known(by_line, watcher.seconds, tuple(sys.modules))


def preload(module: str, loaded: Sequence[str]) -> None:
    """Everything that was loaded and does not stand on *module*, so that a fork need not load it again."""
    import grimp

    graph = grimp.build_graph("factory_kit", cache_dir=None)
    above = {module, *graph.find_downstream_modules(module)}
    for name in loaded:
        ours = name.partition(".")[0]
        packages = accumulate(name.split("."), "{}.{}".format)  # a package is imported before what is in it
        if not above.isdisjoint(packages) or name in sys.modules:
            continue
        if (ROOT / "tests" / f"{ours}.py").exists() or ours.startswith("test"):
            continue
        with contextlib.suppress(BaseException):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there now is looked at by no child


def shown(part: Part, module: str, code: CodeType, wanted: dict[str, float]) -> int:
    """Exit code of the *wanted* tests with *code* in place of *module*."""
    sys.meta_path.insert(0, Changed(module, part.file(module), code))
    return run_tests(part, sorted({nodeid.partition("::")[0] for nodeid in wanted}), Watcher(wanted))


def survives(part: Part, module: str, known: Known, mutant: Mutant) -> bool:
    """Whether no test of *part* notices *mutant*."""
    code = compile(mutant.tree, str(part.file(module)), "exec")
    near = set().union(*(known.by_line.get(line, set()) for line in mutant.lines))
    for names in (near, set(known.seconds) - near):
        wanted = {name: known.seconds[name] for name in names}
        if wanted:
            ended, red = forked(partial(shown, part, module, code, wanted), 30 + 10 * sum(wanted.values()))
            if ended or red:
                return False
    return True


def hunt(part: Part, module: str, only: str, every: int) -> tuple[int, list[str]]:
    """How many mutants of *module* there are, and what is to say: each that survives unexplained, each explained that does not."""
    ended, known = forked(partial(learn, part, module), 1200)
    if ended:
        raise SystemExit(f"{module}: the tests of {part.name} do not pass as they are")
    preload(module, known.loaded)
    if module in sys.modules:
        raise SystemExit(f"{module}: is loaded already, so it cannot be changed")
    told: list[str] = []
    same: set[tuple[str, str, str]] = set()
    count = 0
    for mutant in islice(mutants(part.file(module).read_text(encoding="utf-8")), 0, None, every):
        if only not in mutant.function:
            continue
        count += 1
        if not survives(part, module, known, mutant):
            continue
        key = (module, mutant.function, mutant.change)
        same.add(key)
        if key not in part.unchanged:
            told.append(f"{module}:{mutant.lines.start} {mutant.function}: {mutant.change}")
            say(f"  survives: {told[-1]}")
    stale = (
        [] if every > 1 else [key for key in part.unchanged if key[0] == module and only in key[1] and key not in same]
    )
    told += [f"listed as changing nothing, but there is no such survivor: {key}" for key in stale]
    for line in told[len(told) - len(stale) :]:
        say(f"  {line}")
    return count, told


def hunts(asked: Sequence[str], only: str, every: int) -> int:
    """All mutants of all modules asked for; 1 if something is to say."""
    bad = 0
    for part in parts():
        for module in part.modules:
            if asked and part.name not in asked and module not in asked:
                continue
            before = time.monotonic()
            ended, found = _apart(partial(hunt, part, module, only, every))
            if ended:
                return 1
            count, told = found
            explained = sum(1 for key in part.unchanged if key[0] == module)
            bad += len(told)
            say(
                f"{module}: {count} mutants, {explained} change nothing, {len(told)} to look at, {time.monotonic() - before:.0f} s"
            )
    return 1 if bad else 0


def _apart(work: Callable[[], object]) -> tuple[int, Any]:
    """*work* in a fork that may print: what one module loads must not be there for the next."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            with os.fdopen(write, "wb") as out:
                pickle.dump(work(), out)
            code = 0
        except SystemExit as end:
            say(str(end))
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as out:
        said = out.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, pickle.loads(said) if code == 0 else None  # noqa: S301 - written by our own child


def measured(part: Part) -> dict[str, Any]:
    """What coverage.py says of each module of *part* after its tests."""
    import coverage

    files = {str(part.file(module)): module for module in part.modules}
    watch = coverage.Coverage(data_file=None, branch=True, include=list(files), config_file=False)
    watch.start()
    code = run_tests(part, part.tests, Watcher())
    watch.stop()
    if code:
        raise SystemExit(f"the tests of {part.name} are red as they are")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        watch.json_report(outfile=f"{folder}/c.json")
        found = json.loads(Path(folder, "c.json").read_text(encoding="utf-8"))["files"]
    return {files[str((ROOT / file).resolve())]: each for file, each in found.items()}


def covered(asked: Sequence[str]) -> int:
    """A table of the branches taken; 1 if a module misses ``LEAST``."""
    bad = False
    for part in parts():
        if asked and part.name not in asked:
            continue
        ended, found = forked(partial(measured, part), 1200)
        if ended:
            say(f"{part.name}: its tests do not pass as they are")
            return 1
        for module in part.modules:
            bad |= not _enough(part, module, found.get(module))
    return 1 if bad else 0


def _enough(part: Part, module: str, each: dict[str, Any] | None) -> bool:
    """Whether the tests take ``LEAST`` of the branches of *module*; says so in one row."""
    if each is None:
        say(f"{part.name:10} {module:42} no test loads it")
        return False
    total, taken = each["summary"]["num_branches"], each["summary"]["covered_branches"]
    share = 100 * taken / total if total else 100.0
    branches = ", ".join(f"{start}->{end}" for start, end in each["missing_branches"])
    lines = ", ".join(map(str, each["missing_lines"]))
    missed = f"  missed: {branches or '-'}; lines {lines or '-'}" if branches or lines else ""
    say(f"{part.name:10} {module:42} {taken:4}/{total:<4} {share:5.1f} %{missed}")
    return share >= LEAST


def main() -> int:
    """0 when all is proven."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("what", choices=["coverage", "mutants"])
    parser.add_argument("asked", nargs="*", metavar="PART | MODULE")
    parser.add_argument("--loud", action="store_true", help="show why the tests of a part do not pass as they are")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth mutant: a quick look")
    parser.add_argument("--function", default="", help="only in functions whose name holds this")
    asked = parser.parse_args()
    os.environ.update({"PROOF_LOUD": "1"} if asked.loud else {})
    os.chdir(ROOT)
    return covered(asked.asked) if asked.what == "coverage" else hunts(asked.asked, asked.function, asked.every)


if __name__ == "__main__":
    sys.exit(main())
