"""The short form of the soak."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[1] / "soak.py"


@pytest.mark.wire
def test_a_run_under_trouble_accounts_for_every_value(node_package: Callable[[str, str], Path]) -> None:
    """Half a minute of cuts, black holes, restarts and a jumping clock: nothing twice, nothing lost that a server held, no gap unsaid."""
    node_package("node-opcua", "2.186.4")

    done = subprocess.run(
        [sys.executable, str(SOAK), "--minutes", "0.6", "--seed", "7"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "every value is accounted for"), (
        done.stdout + done.stderr
    )
