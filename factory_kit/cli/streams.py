"""Standard output and standard error in a state in which every text can be written to them."""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
import sys
from io import TextIOWrapper

__all__ = ["close_stdout", "open_streams"]


def open_streams() -> None:
    """Streams that the caller closed lead nowhere, a plain ASCII locale is taken as UTF-8, other signs that do not fit become ``?``."""
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())  # what libraries mutter is no line for users
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            plain = (
                codecs.lookup(stream.encoding).name == "ascii"
            )  # the C locale; Python's own UTF-8 mode does the same
            stream.reconfigure(encoding="utf-8" if plain else stream.encoding, errors="replace")


def close_stdout() -> None:
    """What is left for standard output goes nowhere, so that the end of the process does not try again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _nowhere() -> TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - stays open as long as the process
