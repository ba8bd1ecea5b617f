"""A folder from which Factory Kit is installed without internet: ``python .ci/wheelhouse.py dist/wheelhouse``.

The wheel of this checkout, every package it needs for each Python and system that is named, INSTALL in Chinese and English, and
the sha256 of every file. The folder is complete when each target resolves from it alone, markers read as that target reads them.
It is then installed for real, offline, with the Pythons of this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / ".ci" / "wheelhouse"
PROJECT = "factory-kit"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = range(28, 16, -1)
"""Newest C library that is asked for: 2.28, as Kylin V10, UOS 20, Debian 10 and RHEL 8 have it or a newer one."""


@dataclass(frozen=True)
class System:
    """A kind of computer: the tags of the wheels it takes, and what markers of requirements see on it."""

    name: str
    tags: tuple[str, ...]
    sys_platform: str
    os_name: str
    platform_system: str
    platform_machine: str

    def markers(self, python: str) -> dict[str, str]:
        """The environment of markers under *python*, such as 3.11."""
        return {
            "sys_platform": self.sys_platform,
            "os_name": self.os_name,
            "platform_system": self.platform_system,
            "platform_machine": self.platform_machine,
            "platform_release": "",
            "platform_version": "",
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_name": "cpython",
            "implementation_version": f"{python}.0",
            "platform_python_implementation": "CPython",
        }


def _linux(machine: str) -> System:
    tags = (*(f"manylinux_2_{minor}_{machine}" for minor in GLIBC), f"manylinux2014_{machine}")
    return System(f"linux_{machine}", tags, "linux", "posix", "Linux", machine)


SYSTEMS = {
    each.name: each
    for each in (
        System("win_amd64", ("win_amd64",), "win32", "nt", "Windows", "AMD64"),
        _linux("x86_64"),
        _linux("aarch64"),
    )
}


@dataclass(frozen=True)
class Target:
    """One Python on one system."""

    python: str
    system: System

    def __str__(self) -> str:
        """Python 3.11, win_amd64."""
        return f"Python {self.python}, {self.system.name}"

    @property
    def options(self) -> list[str]:
        """What tells pip to think of this target instead of the machine it runs on."""
        tags = [word for tag in self.system.tags for word in ("--platform", tag)]
        return [*tags, "--python-version", self.python, "--implementation", "cp", "--only-binary", ":all:"]


def main() -> int:
    """0 when the folder is complete and was installed from."""
    asked = _arguments()
    targets = [Target(python, SYSTEMS[system]) for system in asked.system for python in asked.python]
    wanted = f"{PROJECT}[{','.join(asked.extra)}]" if asked.extra else PROJECT
    out = asked.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        folder = Path(name) / out.name
        folder.mkdir()
        build(folder)
        for target in targets:
            print(f"{target}: {fill(folder, target, wanted)} packages", flush=True)
        write_texts(folder, targets, asked.extra)
        write_sums(folder)
        for interpreter in {each.python: each for each in _interpreters(asked.python)}.values():
            print(f"installed offline with {try_it(folder, interpreter, wanted)}", flush=True)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    files = list(out.glob("*.whl"))
    print(f"{out}: {len(files)} wheels, {sum(each.stat().st_size for each in files) / 1e6:.0f} MB")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to make; one that is there is replaced at the end")
    parser.add_argument("--python", nargs="+", default=list(PYTHONS), metavar="3.N")
    parser.add_argument("--system", nargs="+", default=["win_amd64", "linux_x86_64"], choices=sorted(SYSTEMS))
    parser.add_argument("--extra", nargs="*", default=["keyring"], help="extras beside the core; by default keyring")
    return parser.parse_args()


def build(folder: Path) -> None:
    """The wheel of this checkout in *folder*."""
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))


def fill(folder: Path, target: Target, wanted: str) -> int:
    """Everything *wanted* needs on *target* is in *folder*; how many packages that is.

    pip reads markers (``sys_platform == 'win32'``) as the machine it runs on does, so what only the target needs is found from
    the resolved packages' own metadata, and asked for until nothing is lacking.
    """
    asked = [wanted]
    while True:
        _pip("download", "--dest", str(folder), "--find-links", str(folder), *target.options, *asked)
        resolved = resolve(folder, target, asked)
        lacking = sorted(set(lacks(resolved, target)))
        if not lacking:
            return len(resolved)
        if set(lacking) <= set(asked):
            sys.exit(f"{target}: {', '.join(lacking)} cannot be had")
        asked += lacking


def resolve(folder: Path, target: Target, asked: Sequence[str]) -> list[dict[str, object]]:
    """What pip would install on *target* from *folder* alone: the items of its report."""
    with tempfile.TemporaryDirectory() as aside:
        words = ["--no-index", "--find-links", str(folder), "--target", aside, *target.options, *asked]
        report = json.loads(_pip("install", "--dry-run", "--ignore-installed", "--report", "-", *words))
    items: list[dict[str, object]] = report["install"]
    return items


def lacks(resolved: Sequence[dict[str, object]], target: Target) -> Iterator[str]:
    """Requirements of *resolved* packages that *target* has and that none of them meets."""
    have = {canonicalize_name(each["metadata"]["name"]): each["metadata"]["version"] for each in resolved}  # type: ignore[index]
    for each in resolved:
        extras = ("", *each.get("requested_extras", ()))  # type: ignore[misc]
        for line in each["metadata"].get("requires_dist", ()):  # type: ignore[attr-defined]
            need = Requirement(line)
            if not _applies(need, extras, target):
                continue
            version = have.get(canonicalize_name(need.name))
            if version is None or not need.specifier.contains(version, prereleases=True):
                need.marker = None
                yield str(need)


def _applies(need: Requirement, extras: Iterable[str], target: Target) -> bool:
    markers = target.system.markers(target.python)
    return need.marker is None or any(need.marker.evaluate(markers | {"extra": extra}) for extra in extras)


def write_texts(folder: Path, targets: Sequence[Target], extras: Sequence[str]) -> None:
    """INSTALL in both languages; with a byte order mark and the line ends of Windows, where it is read in Notepad."""
    wheel = next(folder.glob("factory_kit-*.whl"))
    details = {
        "version": wheel.name.split("-")[1],
        "systems": ", ".join(dict.fromkeys(each.system.name for each in targets)),
        "pythons": ", ".join(dict.fromkeys(each.python for each in targets)),
        "python": targets[-1].python,
        "wanted": f"{PROJECT}[{','.join(extras)}]" if extras else PROJECT,
    }
    for source in sorted(TEXTS.glob("INSTALL.*.txt")):
        text = source.read_text(encoding="utf-8")
        for name, value in details.items():
            text = text.replace(f"<{name}>", value)
        (folder / source.name).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))


def write_sums(folder: Path) -> None:
    """SHA256SUMS, as ``sha256sum --check`` reads it."""
    lines = [
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n"
        for each in sorted(folder.iterdir())
        if each.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii", newline="\n")


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine."""

    python: str
    path: str


def _interpreters(wanted: Sequence[str]) -> Iterator[Interpreter]:
    """The Pythons of this machine that the folder serves; the one that runs this is the last and wins."""
    for path in (*(shutil.which(f"python{python}") for python in wanted), sys.executable):
        program = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([path, "-c", program], capture_output=True, text=True, check=False) if path else None
        if path and done and done.returncode == 0 and done.stdout.strip() in wanted:
            yield Interpreter(done.stdout.strip(), path)


def try_it(folder: Path, interpreter: Interpreter, wanted: str) -> str:
    """A real installation into an empty environment, from a path with Chinese signs and blanks; what it said of itself."""
    with tempfile.TemporaryDirectory(prefix="离线 wheelhouse ", ignore_cleanup_errors=True) as name:
        shelf, environment = Path(name) / "安装 包", Path(name) / "环境 venv"
        shelf.symlink_to(folder, target_is_directory=True) if os.name == "posix" else shutil.copytree(folder, shelf)
        _run(interpreter.path, "-m", "venv", str(environment))
        binaries = environment / ("Scripts" if os.name == "nt" else "bin")
        python = str(binaries / "python")
        _run(
            python, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet", "--no-index",
            "--find-links", str(shelf), wanted,
        )  # fmt: skip
        _run(python, "-m", "pip", "--isolated", "check")
        said = _run(str(binaries / "factory-kit"), "--version")
        _run(str(binaries / "factory-kit"), "doctor", "--json", "-w", name)
    return f"Python {interpreter.python}: {said.strip()}"


def _pip(*words: str) -> str:
    return _run(sys.executable, "-m", "pip", "--disable-pip-version-check", words[0], "--quiet", *words[1:])


def _run(*words: str) -> str:
    """Standard output of a command; ends the program with what it said when it fails."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, encoding="utf-8", errors="replace", env=environment
    )
    if done.returncode:
        said = re.sub(r"\s+", " ", done.stderr[-1500:] or done.stdout[-1500:])
        sys.exit(f"{Path(words[0]).name} {' '.join(words[1:4])}…: {said}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
