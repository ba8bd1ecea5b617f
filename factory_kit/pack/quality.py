"""Quality of a dataset by GB/T 36344-2018: each indicator with numerator, denominator, direction and how it was computed.

What a machine cannot judge is *not assessed*, never 100. Sources: GB/T 36344-2018 as transcribed by third parties
(confidence: secondary); the standard gives no weights, so no total is formed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import QueryError
from factory_kit.model.definition import Text
from factory_kit.model.product import Checks, DataProduct, ProductField
from factory_kit.pack.schema import same_columns
from factory_kit.pack.series import Steps, count_steps
from factory_kit.store.views import quoted

__all__ = ["Asked", "Count", "QualityRow", "Scope", "answered", "assess_quality", "rows_of"]

MEMORY = "512 MiB"
Count = tuple[int, int, str]
"""Numerator, denominator, how."""


@dataclass(frozen=True)
class QualityRow:
    """One indicator; ``score`` is better when higher, whatever the direction of the ratio; None where not assessed."""

    code: str
    label: Text
    better: Literal["higher", "lower"]
    numerator: int | None
    denominator: int | None
    how: str

    @property
    def assessed(self) -> bool:
        """Whether a machine could count it."""
        return self.denominator is not None

    @property
    def ratio(self) -> Fraction | None:
        """Numerator through denominator; None where not assessed or where there is nothing to count."""
        return Fraction(self.numerator or 0, self.denominator) if self.denominator else None

    @property
    def score(self) -> Fraction | None:
        """The ratio, turned round where lower is better."""
        return self.ratio if self.ratio is None or self.better == "higher" else 1 - self.ratio


@dataclass(frozen=True)
class Scope:
    """What is judged: the product, its rules, its parts, and the interval (SQL timestamps, UTC) it claims."""

    product: DataProduct
    checks: Checks
    schema: pa.Schema
    parts: Sequence[Path]
    begins: str
    ends: str

    @property
    def field(self) -> str:
        """The first number field outside the key, empty when there is none."""
        return next(
            (each.name for each in self.product.fields if each.type in ("decimal", "number") and not each.key), ""
        )

    @property
    def step(self) -> int:
        """The expected step in µs; 0 for events, which come when they come."""
        if self.checks.expected.every == "event":
            return 0
        return SECONDS[self.checks.expected.every] * self.checks.expected.times * 1_000_000

    @cached_property
    def steps(self) -> Steps:
        """What the times tell, counted once."""
        ends = datetime.fromisoformat(self.ends).replace(tzinfo=UTC)
        expected = self.checks.expected
        return count_steps(
            self.parts, expected.per, expected.time, self.field, self.step, (ends - EPOCH) // timedelta(microseconds=1)
        )

    @property
    def in_order(self) -> bool:
        """Whether the rows of each series strictly ascend and the key is group and time: then no key stands twice."""
        expected = self.checks.expected
        key = {field.name for field in self.product.fields if field.key}
        return key == {*expected.per, expected.time} and self.steps.ascending


SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

INDICATORS: tuple[tuple[str, str, str, Literal["higher", "lower"]], ...] = (
    ("0101", "规范性·数据标准", "Conformity: data standard", "higher"),
    ("0102", "规范性·数据模型", "Conformity: data model", "higher"),
    ("0103", "规范性·元数据", "Conformity: metadata", "higher"),
    ("0104", "规范性·业务规则", "Conformity: business rules", "higher"),
    ("0105", "规范性·权威参考数据", "Conformity: reference data", "higher"),
    ("0106", "规范性·安全规范", "Conformity: security", "higher"),
    ("0201", "完整性·数据元素完整性", "Completeness: elements", "higher"),
    ("0202", "完整性·数据记录完整性", "Completeness: records", "higher"),
    ("0301", "准确性·数据内容正确性", "Accuracy: content", "higher"),
    ("0302", "准确性·数据格式合规性", "Accuracy: format", "higher"),
    ("0303", "准确性·数据重复率", "Accuracy: duplicates", "lower"),
    ("0304", "准确性·数据唯一性", "Accuracy: uniqueness", "higher"),
    ("0305", "准确性·脏数据出现率", "Accuracy: dirty data", "lower"),
    ("0401", "一致性·相同数据一致性", "Consistency: same data", "higher"),
    ("0402", "一致性·关联数据一致性", "Consistency: related data", "higher"),
    ("0501", "时效性·基于时间段的正确性", "Timeliness: within the period", "higher"),
    ("0502", "时效性·基于时间点的及时性", "Timeliness: on time", "higher"),
    ("0503", "时效性·时序性", "Timeliness: order", "higher"),
    ("0601", "可访问性·可访问", "Accessibility: accessible", "higher"),
    ("0602", "可访问性·可用性", "Accessibility: usable", "higher"),
)

NOT_BY_MACHINE = {
    "0202": "events come when they come: the product names neither a number that counts them nor when they end",
    "0105": "no list of reference data is named by the product; a person must name one",
    "0401": "the same data from a second source would be needed",
    "0502": "no delivery date was agreed",
    "0602": "whether the documented reader serves the buyer is for a person to try",
}


@dataclass(frozen=True)
class Asked:
    """A count that SQL gives: two aggregates over one source; all of one source are counted in one pass."""

    numerator: str
    denominator: str = "count(*)"
    source: str = "rows"

    @property
    def sql(self) -> str:
        """The statement that gives this figure alone."""
        return f"SELECT {self.numerator}, {self.denominator} FROM {self.source}"  # noqa: S608 - names of declared fields and reviewed conditions


def assess_quality(scope: Scope) -> list[QualityRow]:
    """All twenty indicators of *scope*, counted over its Parquet parts."""
    with rows_of(scope.parts) as con:
        asked = {code: counter(scope, scope.in_order) for code, counter in COUNTERS.items()}
        counts = answered(con, {code: each for code, each in asked.items() if each is not None})
    if scope.in_order:
        told = f" -- since {_not_after(scope)} gives 0: the rows of each series ascend, so no key stands twice"
        counts |= {code: (*counts[code][:2], counts[code][2] + told) for code in BY_ORDER if code in counts}
    return [_row(counts, *indicator) for indicator in INDICATORS]


@contextmanager
def rows_of(parts: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the view ``rows`` over *parts*, in bounded memory."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": MEMORY,
    }
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as spill, duckdb.connect(config=settings) as con:
        con.execute(f"SET temp_directory = {quoted(spill)}")
        con.execute("SET TimeZone = 'UTC'")
        files = ", ".join(quoted(str(part)) for part in parts)
        con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet([{files}], file_row_number = true)")  # noqa: S608 - our own file names, quoted
        yield con


def answered(con: duckdb.DuckDBPyConnection, asked: Mapping[str, Count | Asked]) -> dict[str, Count]:
    """The counts of *asked*, each source read once."""
    counts = {code: each for code, each in asked.items() if not isinstance(each, Asked)}
    open_ones = {code: each for code, each in asked.items() if isinstance(each, Asked)}
    for source in dict.fromkeys(each.source for each in open_ones.values()):
        mine = {code: each for code, each in open_ones.items() if each.source == source}
        wanted = list(dict.fromkeys(part for each in mine.values() for part in (each.numerator, each.denominator)))
        found = _one(con, f"SELECT {', '.join(wanted)} FROM {source}")  # noqa: S608 - names of declared fields and reviewed conditions
        values = dict(zip(wanted, (int(value or 0) for value in found), strict=True))
        counts |= {code: (values[each.numerator], values[each.denominator], each.sql) for code, each in mine.items()}
    return counts


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    try:
        found = con.execute(sql).fetchone()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise QueryError("a check of the data product cannot run: {reason}", reason=reason) from error
    assert found is not None  # noqa: S101 - an aggregate always gives a row
    return tuple(found)


def _row(counts: Mapping[str, Count], code: str, zh: str, en: str, better: Literal["higher", "lower"]) -> QualityRow:
    if code not in counts:
        return QualityRow(code, Text(zh=zh, en=en), better, None, None, NOT_BY_MACHINE[code])
    numerator, denominator, how = counts[code]
    return QualityRow(code, Text(zh=zh, en=en), better, numerator, denominator, how)


def _standard(scope: Scope, _in_order: bool) -> Count:
    declared = {(field.name, str(field.type)) for field in scope.schema}
    found = {(field.name, str(field.type)) for field in pq.read_schema(scope.parts[0])}
    return len(declared & found), len(declared | found), "columns whose name and type are those of the data dictionary"


def _model(scope: Scope, _in_order: bool) -> Count:
    equal = sum(same_columns(pq.read_schema(part), scope.schema) for part in scope.parts)
    return equal, len(scope.parts), "parts whose schema equals the declared one"


def _metadata(scope: Scope, _in_order: bool) -> Count:
    whole = [
        field
        for field in scope.product.fields
        if field.type in ("timestamp", "string", "boolean") or (field.minimum is not None and field.maximum is not None)
    ]
    return len(whole), len(scope.product.fields), "fields with label, description, type and, for numbers, a range"


def _rules(kind: str) -> Callable[[Scope, bool], Count | Asked]:
    def counted(scope: Scope, _in_order: bool) -> Asked:
        conditions = [f"coalesce(({rule.condition}), false)" for rule in scope.checks.rules if rule.kind == kind]
        return Asked(f"count(*) FILTER ({' AND '.join(conditions) or 'true'})")

    return counted


def _security(scope: Scope, _in_order: bool) -> Count:
    sensitive = [field for field in scope.product.fields if field.sensitive]
    treated = [field for field in sensitive if field.treatment != "none"]
    return len(treated), len(sensitive), "sensitive fields to which the recipe applies"


def _elements(scope: Scope, _in_order: bool) -> Asked:
    names = [field.name for field in scope.product.fields if field.required]
    return Asked(" + ".join(f'count("{name}")' for name in names), f"{len(names)} * count(*)")


def _records(scope: Scope, in_order: bool) -> Asked | None:
    expected = scope.checks.expected
    if expected.every == "event":
        return _events(scope)
    groups = ", ".join(f'"{name}"' for name in expected.per)
    steps = f"date_diff('{expected.every}', TIMESTAMP '{scope.begins}', TIMESTAMP '{scope.ends}')"
    if expected.times > 1:
        steps = f"{steps} // {expected.times}"
    there = "count(*)" if in_order else f'count(DISTINCT ({groups}{"," if groups else ""} "{expected.time}"))'
    return Asked(there, f"{f'count(DISTINCT ({groups},))' if groups else '1'} * {steps}")


def _events(scope: Scope) -> Asked | None:
    """Of the numbers that count the events those that are there; without such a number, the share of the time that the events cover."""
    expected = scope.checks.expected
    groups = ", ".join(f'"{name}"' for name in expected.per) or "1"
    if expected.sequence:
        number = f'"{expected.sequence}"'
        each = f"(SELECT count(DISTINCT {number}) AS there, max({number}) - min({number}) + 1 AS counted FROM rows GROUP BY {groups})"  # noqa: S608
        return Asked("sum(there)", "sum(counted)", each)
    if not expected.until:
        return None
    begins, ends = (f"TIMESTAMPTZ '{each}+00'" for each in (scope.begins, scope.ends))
    covered = (
        f'greatest(0, epoch_us(least("{expected.until}", {ends})) - epoch_us(greatest("{expected.time}", {begins})))'
    )
    each = (
        f"(SELECT least(sum({covered}), epoch_us({ends}) - epoch_us({begins})) AS covered FROM rows GROUP BY {groups})"  # noqa: S608
    )
    return Asked("sum(covered)", f"count(*) * (epoch_us({ends}) - epoch_us({begins}))", each)


def _not_after(scope: Scope) -> str:
    """The statement that counts the rows that do not come after the one before them in their series; counted in a stream, not so."""
    expected = scope.checks.expected
    groups = ", ".join(f'"{name}"' for name in expected.per) or "1"
    before = f'lag("{expected.time}") OVER (PARTITION BY {groups} ORDER BY file_row_number)'
    return f'SELECT count(*) FILTER ("{expected.time}" <= before) FROM (SELECT *, {before} AS before FROM rows)'  # noqa: S608 - names of declared fields


def _within(fields: Sequence[ProductField]) -> Iterator[str]:
    for field in fields:
        if field.minimum is not None:
            yield f'coalesce("{field.name}" >= {field.minimum}, true)'
        if field.maximum is not None:
            yield f'coalesce("{field.name}" <= {field.maximum}, true)'


def _content(scope: Scope, _in_order: bool) -> Asked:
    return Asked(f"count(*) FILTER ({' AND '.join(_within(scope.product.fields)) or 'true'})")


def _format(scope: Scope, _in_order: bool) -> Asked:
    decimals = [field for field in scope.product.fields if field.type == "decimal"]
    tests = [
        f'coalesce(isfinite("{field.name}") AND "{field.name}" = round("{field.name}", {field.places}), true)'
        for field in decimals
    ]
    return Asked(f"count(*) FILTER ({' AND '.join(tests) or 'true'})")


def _key(scope: Scope) -> str:
    return ", ".join(f'"{field.name}"' for field in scope.product.fields if field.key)


def _duplicates(scope: Scope, in_order: bool) -> Count | Asked:
    return Asked("0" if in_order else f"count(*) - count(DISTINCT ({_key(scope)},))")


def _unique(scope: Scope, in_order: bool) -> Count | Asked:
    return Asked("count(*)" if in_order else f"count(DISTINCT ({_key(scope)},))")


def _dirty(scope: Scope, _in_order: bool) -> Asked:
    tests = [
        *_within(scope.product.fields),
        *(
            f'coalesce(isfinite("{field.name}"), true)'
            for field in scope.product.fields
            if field.type in ("decimal", "number")
        ),
    ]
    tests += [f'"{field.name}" IS NOT NULL' for field in scope.product.fields if field.required]
    return Asked(f"count(*) FILTER (NOT ({' AND '.join(tests)}))")


def _period(scope: Scope, _in_order: bool) -> Asked:
    time = f'"{scope.checks.expected.time}"'
    return Asked(f"count(*) FILTER ({time} >= TIMESTAMP '{scope.begins}' AND {time} < TIMESTAMP '{scope.ends}')")


def _order(scope: Scope, in_order: bool) -> Asked:
    expected = scope.checks.expected
    if in_order:
        return Asked("count(*)")
    groups = ", ".join(f'"{name}"' for name in expected.per) or "1"
    before = f'lag("{expected.time}") OVER (PARTITION BY {groups} ORDER BY file_row_number)'
    source = f'(SELECT coalesce("{expected.time}" > {before}, true) AS ordered FROM rows)'  # noqa: S608 - names of declared fields
    return Asked("count(*) FILTER (ordered)", "count(*)", source)


def _accessible(scope: Scope, _in_order: bool) -> Count:
    opened = sum(pq.ParquetFile(part).metadata.num_rows > 0 for part in scope.parts)
    return opened, len(scope.parts), "parts that open; every value of them was read for the other figures"


BY_ORDER = ("0202", "0303", "0304", "0503")
COUNTERS: dict[str, Callable[[Scope, bool], Count | Asked | None]] = {
    "0101": _standard, "0102": _model, "0103": _metadata, "0104": _rules("business"), "0106": _security, "0201": _elements, "0202": _records,
    "0301": _content, "0302": _format, "0303": _duplicates, "0304": _unique, "0305": _dirty, "0402": _rules("related"), "0501": _period,
    "0503": _order, "0601": _accessible,
}  # fmt: skip
