"""What a solver writes past Python does not come through."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from factory_kit.score.quiet import STANDARD_OUTPUT, silent_output


def test_what_is_written_to_the_descriptor_is_lost_and_then_not(capfd: pytest.CaptureFixture[str]) -> None:
    """Inside nothing is seen, behind it everything, an error inside notwithstanding."""
    with pytest.raises(ZeroDivisionError, match="broke"), silent_output():
        _noise_and_end()
    os.write(STANDARD_OUTPUT, b"result")
    assert capfd.readouterr().out == "result"


def test_a_process_without_standard_output_solves_all_the_same() -> None:
    """Where descriptor 1 is closed, the block runs and nothing is opened in its place."""
    code = (
        "import os, sys; os.close(1)\n"
        "from factory_kit.score.quiet import silent_output\n"
        "with silent_output(): sys.stderr.write('ran'); sys.stderr.flush()\n"
        "try: os.fstat(1)\n"
        "except OSError: os._exit(0)\n"
        "os._exit(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "ran")


def _noise_and_end() -> None:
    os.write(STANDARD_OUTPUT, b"noise")
    raise ZeroDivisionError("broke")
