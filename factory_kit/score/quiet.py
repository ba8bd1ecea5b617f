"""A solver that writes to standard output past Python: kept from the results of who called it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["silent_output"]

STANDARD_OUTPUT = 1
TURN = Lock()
"""The descriptor belongs to the whole process: who finds it turned away must not turn it away for good."""


@contextmanager
def silent_output() -> Iterator[None]:
    """Nothing written to the process's descriptor 1 comes through; where there is none, nothing happens.

    HiGHS has a line in its C++ (transformNewIntegerFeasibleSolution) that no option turns off; it would stand before the JSON.
    """
    with TURN:
        try:
            kept = os.dup(STANDARD_OUTPUT)
        except OSError:  # a service without one
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, STANDARD_OUTPUT)
            yield
        finally:
            os.dup2(kept, STANDARD_OUTPUT)
            os.close(nowhere)
            os.close(kept)
