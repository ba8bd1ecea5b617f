"""What the times of series tell, counted in a stream, against the SQL that says what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_kit.pack.quality import Scope, assess_quality, rows_of
from factory_kit.pack.quality_more import series_checks
from factory_kit.pack.schema import arrow_schema
from factory_kit.pack.series import series_of

from .test_recipe import PSEUDONYM, product

MINUTE = 60_000_000
BEGIN = 1_767_225_600_000_000


def scope(tmp_path: Path, machines: list[str], minutes: list[float], load: list[float | None]) -> Scope:
    """A part with these rows."""
    template = product([PSEUDONYM])
    schema = arrow_schema(template.product)
    times = [BEGIN + int(minute * MINUTE) for minute in minutes]
    table = pa.table(
        {
            "time": pa.array(times, pa.timestamp("us", tz="UTC")),
            "machine": machines,
            "load": pa.array(load, pa.float64()),
        }
    )
    pq.write_table(table.cast(schema), tmp_path / "part.parquet", row_group_size=3)
    return Scope(
        template.product,
        template.checks,
        schema,
        (tmp_path / "part.parquet",),
        "2026-01-01 00:00:00",
        "2026-01-01 01:00:00",
    )


CASES: dict[str, tuple[list[str], list[float], list[float | None]]] = {
    "in order": (["a"] * 3 + ["b"] * 2, [0, 1, 2, 0, 1], [1, 1, 2, None, 3]),
    "interleaved": (["a", "b", "a", "b", "a"], [0, 0, 1, 1, 2], [1, 2, 1, 2, None]),
    "gaps": (["a"] * 4, [0, 1, 5, 70], [1, 2, 3, 4]),
    "doubled and backward": (["a", "a", "b", "a"], [3, 3, 1, 2.5], [1, 1, 1, 1]),
    "one row": (["a"], [0], [None]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_stream_counts_what_the_sql_says(tmp_path: Path, case: str) -> None:
    """Each count is that of its statement, whatever the order of the rows."""
    judged = scope(tmp_path, *CASES[case])
    with rows_of(judged.parts) as con:
        for name, (count, of, sql) in series_checks(judged).items():
            assert (name, con.execute(sql).fetchone()) == (name, (count, of))
        for row in assess_quality(judged):
            if "SELECT" in row.how:
                assert con.execute(row.how.partition(" -- ")[0]).fetchone() == (row.numerator, row.denominator)


def test_rows_out_of_order_and_doubled_ones_are_counted(tmp_path: Path) -> None:
    """One key stands twice, and two rows do not come after the one before them."""
    judged = scope(tmp_path, *CASES["doubled and backward"])
    figures = {row.code: (row.numerator, row.denominator) for row in assess_quality(judged)}

    assert not judged.in_order
    assert (figures["0303"], figures["0304"], figures["0503"]) == ((1, 4), (3, 4), (2, 4))


@pytest.mark.parametrize("machines", [["a", "a", "b"], ["a", "b", "a"], ["b"] * 4])
def test_series_are_found_whether_they_stand_together_or_not(machines: list[str]) -> None:
    """Every row belongs to the series of its group, in the order of the rows."""
    batch = pa.record_batch({"machine": machines})
    places = np.arange(len(machines))

    assert {name: places[rows].tolist() for name, rows in series_of(batch, ["machine"])} == {
        name: [place for place, machine in enumerate(machines) if machine == name] for name in set(machines)
    }
