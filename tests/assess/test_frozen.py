"""Bundles that were sealed once and stay as they are: every later version reads them and rebuilds their scores byte for byte.

Never make them anew: a bundle that does not fit any more shows a change of meaning, which needs a new engine number.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit.assess.bundle import open_bundle, rescore
from factory_kit.assess.definitions import forget

HERE = Path(__file__).resolve().parent
FROZEN = HERE / "frozen"
ROOT = HERE.parents[1]
BUNDLES = json.loads((FROZEN / "frozen.json").read_text(encoding="utf-8"))
SURROUNDINGS = (
    {"TZ": "Pacific/Chatham", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4242"},
    {"TZ": "Asia/Shanghai", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "random", "PYTHONUTF8": "0"},
)
KNOWN_PYTHONS = [f"python3.{minor}" for minor in range(11, 20)]
NEEDED = "import sys, pydantic, cryptography, minisign, rfc8785, yaml; sys.exit(sys.version_info < (3, 11))"


def pythons() -> list[str]:
    """The interpreters on this machine that can run the kit, this one first."""
    found = [sys.executable]
    for name in KNOWN_PYTHONS:
        path = shutil.which(name)
        if path and not Path(path).samefile(sys.executable) and not name.endswith(f".{sys.version_info.minor}"):
            done = subprocess.run([path, "-c", NEEDED], capture_output=True, check=False)
            found += [path] if done.returncode == 0 else []
    return found


def test_the_corpus_is_whole() -> None:
    """Every frozen bundle is listed, and not one byte of them has changed."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FROZEN.glob("*.zip")}

    assert found == {name: each["file"] for name, each in BUNDLES.items()}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_a_frozen_bundle_is_scored_as_on_its_first_day(name: str) -> None:
    """It verifies, the rebuilt score is the sealed one, and the level is the one of then."""
    expected = BUNDLES[name]
    found = rescore(FROZEN / name)

    assert (found.same, found.differences) == (True, ())
    assert found.scored.score.level == expected["level"]
    assert hashlib.sha256(found.scored.canonical()).hexdigest() == expected["score"]
    assert [check.role for check in open_bundle(FROZEN / name).report.signatures] == expected["roles"]


def test_what_was_read_before_changes_nothing() -> None:
    """A bundle rescored with cold and with warm definitions, and after others, comes out the same."""
    forget()
    cold = [rescore(FROZEN / name).scored.canonical() for name in sorted(BUNDLES)]
    warm = [rescore(FROZEN / name).scored.canonical() for name in sorted(BUNDLES, reverse=True)]

    assert cold == warm[::-1]


@pytest.mark.parametrize("surrounding", SURROUNDINGS, ids=[each["TZ"] for each in SURROUNDINGS])
def test_zones_locales_seeds_and_pythons_change_nothing(surrounding: dict[str, str]) -> None:
    """Processes in other surroundings, by every Python at hand, rebuild the same bytes."""
    expected = {name: each["score"] for name, each in BUNDLES.items()}
    for python in pythons():
        done = subprocess.run(
            [python, str(HERE / "frozen_scores.py"), str(FROZEN)],
            env={**os.environ, **surrounding, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert {line["bundle"]: line["sha256"][0] for line in lines} == expected
        assert all(line["same"] for line in lines)
