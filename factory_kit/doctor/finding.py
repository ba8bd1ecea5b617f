"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "State"]

State = Literal["ok", "note", "limited", "missing"]
"""``missing``: a normal day on site cannot go without it. ``limited``: something is switched off. ``note``: worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and *found*; where the state is limited or missing, what that switches *off* and what to *do*."""

    id: str
    title: str
    state: State
    found: str
    off: str = ""
    do: str = ""
