"""Programs in a process of their own: what they load may end the process (a library for another processor does)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["loaded", "output_of"]

PATIENCE_S = 1800.0
"""Virus scanners read every library before it is loaded for the first time; only what hangs for good is given up."""
LOAD = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    print(json.dumps({"begun": name}), flush=True)
    try:
        importlib.import_module(name)
        said = ""
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    print(json.dumps({"name": name, "said": said}), flush=True)
"""


def loaded(names: Sequence[str]) -> dict[str, str]:
    """Why each of these modules cannot be imported, in Python's words; empty for those that can."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        lines = [json.loads(line) for line in output_of(LOAD, *waiting)[1].splitlines() if line.startswith("{")]
        found |= {line["name"]: line["said"] for line in lines if "name" in line}
        begun = [line["begun"] for line in lines if "begun" in line]
        broken = begun[-1] if begun and begun[-1] not in found else None if begun else waiting[0]
        if broken is not None:
            found[broken] = "the process ended while it was loaded"
        waiting = [name for name in waiting if name not in found]
    return found


def output_of(program: str, *words: str) -> tuple[int, str]:
    """Exit code and standard output of a Python program; -1 when it cannot be started or never ends."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        said = getattr(error, "stdout", None) or b""
        return -1, said.decode("utf-8", "replace")
    return done.returncode, done.stdout.decode("utf-8", "replace")
