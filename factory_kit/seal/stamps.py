"""Points in time as text: UTC to the second, ``2026-09-01T00:00:00Z``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["SECOND", "from_text", "to_text"]

SECOND = 1_000_000
"""Microseconds of a second."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def to_text(micros: int) -> str:
    """The second in which *micros* (microseconds since 1970-01-01 UTC) lie."""
    return (EPOCH + timedelta(seconds=micros // SECOND)).strftime(FORMAT)


def from_text(text: str) -> int:
    """Microseconds since 1970-01-01 UTC; ``ValueError`` for anything that ``to_text`` would not write."""
    moment = datetime.strptime(text, FORMAT).replace(tzinfo=UTC)
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    if to_text(micros) != text:
        raise ValueError(text)
    return micros
