"""What is on this machine, what is missing, what that switches off, and how it is had without internet; opens no connection."""

from __future__ import annotations

from factory_kit.doctor.examination import examine
from factory_kit.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]
