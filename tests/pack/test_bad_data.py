"""Quality figures of data that is really bad, against counts made by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_kit.model.definition import Text
from factory_kit.model.product import Checks, DataProduct, ProductField
from factory_kit.pack.quality import QualityRow, Scope, assess_quality
from factory_kit.pack.quality_more import db31, series_checks

from .test_recipe import product

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
NAN = math.nan
Row = tuple[float, str, float | None]
"""Minutes after midnight, group, value."""
BAD: tuple[Row, ...] = (
    *((minute, "a", 1.0 + minute / 10) for minute in range(5)),  # 0 to 4
    (5, "a", 1.4), (6, "a", 1.4),  # stands still twice
    (10, "a", 2.0),  # 7, 8 and 9 are missing
    (10, "a", 2.0),  # twice
    (9, "a", 2.1),  # back in time
    (11.5, "a", 2.2),  # beside the grid, after 2.5 minutes: a gap in which 1 whole step is missing
    (12, "a", None), (13, "a", NAN), (14, "a", NAN), (15, "a", math.inf),
    (16, "a", 500.0),  # beyond the range
    (17, "a", 2.25), (18, "a", 2.2501),  # one more place than declared
    (0, "b", 3.0), (19, "b", 3.0),  # 18 steps are missing, and stands still
    (20, "b", 3.1),  # after the end of the interval
)  # fmt: skip
VALUE = ProductField(
    name="load", label=Text(zh="值", en="v"), description=Text(zh="值", en="v"), type="decimal", unit="1", minimum=0, maximum=100, places=2
)  # type: ignore[arg-type]  # fmt: skip


def scope(folder: Path, rows: tuple[Row, ...], value_type: str = "decimal") -> Scope:
    """A product of minutes over twenty of them, with these rows in their order."""
    shipped = product([]).product
    fields = (*shipped.fields[:2], VALUE.model_copy(update={"type": value_type}))
    content: DataProduct = shipped.model_copy(update={"fields": fields})
    rule = {"id": "low", "label": {"zh": "低", "en": "low"}, "kind": "business", "condition": "load < 3.05"}
    checks = Checks.model_validate(
        {"rules": (rule,), "expected": {"time": "time", "every": "minute", "per": ("machine",)}}
    )
    schema = pa.schema([("time", pa.timestamp("us", tz="UTC")), ("machine", pa.string()), ("load", pa.float64())])
    columns = [
        [MIDNIGHT + timedelta(minutes=row[0]) for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
    ]
    arrays = [pa.array(column, field.type, from_pandas=False) for column, field in zip(columns, schema, strict=True)]
    part = folder / "part-000.parquet"
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), part)
    return Scope(content, checks, schema, (part,), "2026-01-01 00:00:00", "2026-01-01 00:20:00")


def counts(found: list[QualityRow]) -> dict[str, tuple[int | None, int | None]]:
    """Numerator and denominator by code."""
    return {row.code: (row.numerator, row.denominator) for row in found}


def test_every_figure_of_bad_rows_is_that_of_a_hand_count(tmp_path: Path) -> None:
    """21 rows with gaps, stuck and doubled values, a clock that runs back, values that are none, out of range or too fine."""
    told = counts(assess_quality(scope(tmp_path, BAD)))

    assert len(BAD) == 21
    assert {code: told[code] for code in ("0104", "0201", "0202", "0301", "0302", "0303", "0304", "0305", "0501", "0503")} == {
        "0104": (15, 21),  # not below 3.05: 500, NaN twice (NaN is the largest in SQL), infinity, 3.1, and what is missing
        "0201": (62, 63),  # three required fields; one value is missing
        "0202": (20, 40),  # two groups of twenty minutes; 21 rows, one time twice
        "0301": (17, 21),  # infinity, NaN twice and 500 lie beyond the range
        "0302": (17, 21),  # NaN twice, infinity, 2.2501
        "0303": (1, 21),
        "0304": (20, 21),
        "0305": (5, 21),  # beyond the range or no number: 4; missing: 1
        "0501": (20, 21),  # minute 20 is no longer in the interval
        "0503": (19, 21),  # one stands still in time, one runs back
    }  # fmt: skip


def test_every_check_of_bad_series_is_that_of_a_hand_count(tmp_path: Path) -> None:
    """Steps of group a: 17; of b: 2. The SQL beside each figure gives the same."""
    bad = scope(tmp_path, BAD)
    told = series_checks(bad)

    assert {name: each[:2] for name, each in told.items()} == {
        "gaps": (3, 19),  # 6 to 10, 9 to 11.5, 0 to 19
        "missing_steps": (3 + 1 + 18, 21),
        "longest_gap_us": (19 * 60_000_000, 19),
        "backward": (1, 19),
        "duplicate_times": (1, 19),
        "standing_still": (4, 15),  # 1.4 twice after 1.4, 2.0, 3.0; of 19 steps four have no number on one side
        "off_the_grid": (1, 21),
        "ahead_of_the_interval": (1, 21),
    }
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{bad.parts[0]}', file_row_number = true)")  # noqa: S608
        assert {name: con.execute(sql).fetchone() for name, (_count, _of, sql) in told.items()} == {
            name: each[:2] for name, each in told.items()
        }


def test_the_shares_of_the_local_standard_follow(tmp_path: Path) -> None:
    """Duplicates and dirty rows are turned round; nothing that nobody counted has a share."""
    shares = {score.code: score.share for score in db31(assess_quality(scope(tmp_path, BAD)))}

    assert (shares["030300"], shares["030500"]) == (pytest.approx(20 / 21), pytest.approx(16 / 21))
    assert [code for code, share in shares.items() if share is not None and not 0 <= share <= 1] == []


def test_events_are_judged_by_their_numbers(tmp_path: Path) -> None:
    """Numbers 1, 2, 2, 5 of one group and 7 of another: two are missing of six, one stands twice."""
    bad = scope(
        tmp_path,
        tuple(
            (minute, group, value)
            for minute, group, value in ((0, "a", 1.0), (1, "a", 2.0), (2, "a", 2.0), (3, "a", 5.0), (0, "b", 7.0))
        ),
    )
    expected = bad.checks.expected.model_copy(update={"every": "event", "sequence": "load"})
    judged = Scope(
        bad.product, bad.checks.model_copy(update={"expected": expected}), bad.schema, bad.parts, bad.begins, bad.ends
    )

    assert counts(assess_quality(judged))["0202"] == (4, 6)
    told = series_checks(judged)
    assert (told["missing_numbers"][0], told["doubled_numbers"][0]) == (2, 1)
    assert "gaps" not in told


def test_events_that_nobody_counts_have_no_completeness(tmp_path: Path) -> None:
    """Without a number and without an end nobody can say how many there should be."""
    bad = scope(tmp_path, BAD)
    expected = bad.checks.expected.model_copy(update={"every": "event"})
    judged = Scope(
        bad.product, bad.checks.model_copy(update={"expected": expected}), bad.schema, bad.parts, bad.begins, bad.ends
    )

    row = next(row for row in assess_quality(judged) if row.code == "0202")
    assert (row.assessed, row.score) == (False, None)
