"""Factory Kit: read a plant safely, score it on evidence from its own data, package what may be shared."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
