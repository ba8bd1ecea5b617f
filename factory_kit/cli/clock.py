"""The one clock of the command line: every command that needs the time takes it from here and passes it on."""

from __future__ import annotations

import time

__all__ = ["now"]


def now() -> int:
    """Microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000
