"""Gaps and the loss ledger as Arrow columns, beside the samples in journal and sealed files."""

from __future__ import annotations

from dataclasses import fields

import pyarrow as pa

from factory_kit.model.run import Gap, LossEntry
from factory_kit.store.lines import flat

__all__ = ["GAPS", "LOSS", "gap_rows", "loss_rows"]

TIME = pa.timestamp("us")
LOSS_FIELDS = tuple(field.name for field in fields(LossEntry))

GAPS = pa.schema([("run", pa.string()), ("point", pa.int32()), ("start", TIME), ("end", TIME), ("reason", pa.string())])
LOSS = pa.schema(
    [
        ("run", pa.string()),
        ("point", pa.int32()),
        *((name, pa.int64()) for name in LOSS_FIELDS[1:8]),
        ("revised_sampling_ms", pa.float64()),
        ("revised_queue", pa.int64()),
    ]
)


def gap_rows(run: str, gaps: list[Gap]) -> pa.Table:
    """*gaps* of *run* as rows."""
    return pa.Table.from_pylist([{"run": run, **flat(gap)} for gap in gaps], GAPS)


def loss_rows(run: str, losses: list[LossEntry]) -> pa.Table:
    """The loss ledger of *run* as rows; of several entries for one point the last one stands."""
    newest = {entry.point: entry for entry in losses}
    return pa.Table.from_pylist([{"run": run, **flat(entry)} for entry in newest.values()], LOSS)
