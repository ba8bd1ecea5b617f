"""The store: what was collected, safe through crashes and power cuts, read through DuckDB views."""

from __future__ import annotations

from factory_kit.store.inspect import Status
from factory_kit.store.store import SealedFile, Store
from factory_kit.store.writer import Writer

__all__ = ["SealedFile", "Status", "Store", "Writer"]
