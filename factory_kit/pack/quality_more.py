"""Further views of a dataset's quality: DB31/T 1523-2024, TC609-5-2025-04, and checks of time series; none invents a figure.

DB31/T 1523 is computed from the figures of GB/T 36344 (two indicators turned round, some split). TC609-5-2025-04 has three groups and a pass
mark of 90 in each; a group with an indicator that needs a person is open, never passed. Both as transcribed by third parties (secondary).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from factory_kit.pack.documentation import ITEMS, documented
from factory_kit.pack.quality import Asked, Count, QualityRow, Scope, answered, rows_of

__all__ = ["Score", "db31", "series_checks", "tc609", "tc609_groups"]

PASS = Fraction(9, 10)


ENGLISH = {
    "类型约束": "Type constraint", "格式约束": "Format constraint", "长度约束": "Length constraint", "数据模型": "Data model", "元数据": "Metadata",
    "业务规则": "Business rules", "权威参考数据": "Reference data", "安全规范": "Security", "数据元素完整性": "Completeness of elements",
    "数据记录完整性": "Completeness of records", "数据内容正确性": "Correct content", "数据格式合规性": "Correct format", "数据重复率（1−A/B）": "Duplicates (1 − A/B)",
    "数据唯一性": "Uniqueness", "脏数据出现率（1−A/B）": "Dirty data (1 − A/B)", "数据标准参照准确性": "Accuracy against the standard", "相同数据一致性": "Consistency of the same data",
    "表内等值": "Equal within a table", "表内逻辑": "Logic within a table", "跨表等值": "Equal across tables", "跨表逻辑": "Logic across tables",
    "数据项与元数据一致性": "Consistency with metadata", "基于时间段的正确性": "Within the period", "基于时间点的及时性": "On time", "时序性": "Order in time",
    "数据授权使用时效性": "Validity of the authorisation", "可访问": "Accessible", "可用性": "Usable", "数据标准（010101–010103 平均）": "Data standard (mean of 010101 to 010103)",
    "关联数据一致性（040201–040204 平均）": "Consistency of related data (mean of 040201 to 040204)",
    "基本信息完整性": "Documentation: basics", "内容特征完整性": "Documentation: content", "建设过程完整性": "Documentation: making", "应用说明完整性": "Documentation: use",
    "格式规范性": "Format", "安全规范性": "Security", "标注规范性": "Labelling by the rules", "结构完整性": "Complete structure", "内容真实性": "Traceable content",
    "内容一致性": "Consistent content", "类型一致性": "Consistent class", "内容干净性": "Clean content", "内容多样性": "Diversity", "规模完整性": "Size", "内容时效性": "Period",
    "标注准确性": "Correct labels", "模型适配性": "Use for a model",
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One indicator: the share that is right, None where it is not assessed, and where it comes from."""

    code: str
    label: str
    share: Fraction | None
    how: str

    @property
    def label_en(self) -> str:
        """The label in English, in our own words."""
        return ENGLISH[self.label]


DB31: tuple[tuple[str, str, str], ...] = (
    ("010101", "类型约束", "0102"), ("010102", "格式约束", "0302"), ("010103", "长度约束", ""), ("010200", "数据模型", "0102"),
    ("010300", "元数据", "0103"), ("010400", "业务规则", "0104"), ("010500", "权威参考数据", "0105"), ("010600", "安全规范", "0106"),
    ("020100", "数据元素完整性", "0201"), ("020200", "数据记录完整性", "0202"), ("030100", "数据内容正确性", "0301"),
    ("030200", "数据格式合规性", "0302"), ("030300", "数据重复率（1−A/B）", "0303"), ("030400", "数据唯一性", "0304"),
    ("030500", "脏数据出现率（1−A/B）", "0305"), ("030600", "数据标准参照准确性", "0101"), ("040100", "相同数据一致性", "0401"),
    ("040201", "表内等值", ""), ("040202", "表内逻辑", "0402"), ("040203", "跨表等值", ""), ("040204", "跨表逻辑", ""),
    ("040300", "数据项与元数据一致性", "0101"), ("050100", "基于时间段的正确性", "0501"), ("050200", "基于时间点的及时性", "0502"),
    ("050300", "时序性", "0503"), ("050400", "数据授权使用时效性", ""), ("060100", "可访问", "0601"), ("060200", "可用性", "0602"),
)  # fmt: skip
MEANS = (
    ("010100", "数据标准（010101–010103 平均）", ("010101", "010102", "010103")),
    ("040200", "关联数据一致性（040201–040204 平均）", ("040201", "040202", "040203", "040204")),
)


def db31(quality: Sequence[QualityRow]) -> list[Score]:
    """All thirty indicators of DB31/T 1523-2024, higher is better for each."""
    known = {row.code: row for row in quality}
    scores = [_taken(code, label, known.get(source)) for code, label, source in DB31]
    by_code = {score.code: score for score in scores}
    for code, label, parts in MEANS:
        shares = [by_code[part].share for part in parts]
        there = [share for share in shares if share is not None]
        mean = sum(there, Fraction(0)) / len(there) if there else None
        scores.append(Score(code, label, mean, f"mean of the {len(there)} of {len(parts)} parts that are assessed"))
    return sorted(scores, key=lambda score: score.code)


def _taken(code: str, label: str, row: QualityRow | None) -> Score:
    if row is None:
        return Score(code, label, None, "needs a second table, an agreement or a rule that the product does not have")
    return Score(code, label, row.score, f"GB/T 36344 {row.code}: {row.how}")


TC609_DATA: tuple[tuple[str, str, str], ...] = (
    ("0201", "格式规范性", "0102"), ("0202", "安全规范性", "0106"), ("0203", "标注规范性", ""), ("0204", "结构完整性", "0201"), ("0205", "内容真实性", "origin"),
    ("0206", "内容一致性", "0402"), ("0207", "类型一致性", ""), ("0208", "内容干净性", "0305"), ("0301", "内容多样性", ""), ("0302", "规模完整性", "0202"),
    ("0303", "内容时效性", "0501"), ("0304", "标注准确性", ""), ("0305", "模型适配性", ""),
)  # fmt: skip
GROUPS = {"01": "说明文档", "02": "数据质量", "03": "模型应用"}


def tc609(quality: Sequence[QualityRow], readme: str) -> list[Score]:
    """The seventeen indicators of TC609-5-2025-04: four of *readme*, nine of the data where a machine can say, the rest open."""
    there = documented(readme)
    scores = [
        Score(
            code,
            label,
            Fraction(len(there & set(items)), len(items)),
            "documented: " + ", ".join(item for item in items if item in there),
        )
        for code, label, items in ITEMS
    ]
    known = {row.code: row for row in quality}
    for code, label, source in TC609_DATA:
        if source == "origin":
            scores.append(
                Score(
                    code,
                    label,
                    Fraction(1),
                    "every row comes from the source files whose sha256 stand in papers/provenance.json",
                )
            )
        elif source:
            scores.append(_taken(code, label, known.get(source)))
        else:
            scores.append(
                Score(code, label, None, "for a person: labels, coverage of the need or a model are to be judged")
            )
    return scores


def tc609_groups(scores: Sequence[Score]) -> Mapping[str, tuple[Fraction | None, Literal["passed", "failed", "open"]]]:
    """For each group the mean of what is assessed, and whether it passes (90 in each), fails already, or is open."""
    result: dict[str, tuple[Fraction | None, Literal["passed", "failed", "open"]]] = {}
    for prefix in GROUPS:
        shares = [score.share for score in scores if score.code.startswith(prefix)]
        there = [share for share in shares if share is not None]
        mean = sum(there, Fraction(0)) / len(there) if there else None
        best = (sum(there, Fraction(0)) + len(shares) - len(there)) / len(shares)
        worst = sum(there, Fraction(0)) / len(shares)
        result[prefix] = (mean, "passed" if worst >= PASS else "failed" if best < PASS else "open")
    return result


def series_checks(scope: Scope) -> dict[str, Count]:
    """Gaps, order, duplicates, values that stand still and clocks: name → (count, of how many, SQL that gives both)."""
    expected, steps, step = scope.checks.expected, scope.steps, scope.step
    groups = ", ".join(f'"{name}"' for name in expected.per) or "1"
    time, window = f'"{expected.time}"', f"(PARTITION BY {groups} ORDER BY file_row_number)"
    known = f"nullif(\"{scope.field}\", 'nan'::DOUBLE)"  # DuckDB finds NaN equal to NaN
    level = f"{known} = lag({known}) OVER {window}" if scope.field else "NULL::BOOLEAN"
    grid = f"epoch_us({time}) % {step} <> 0" if step else "NULL::BOOLEAN"
    source = (
        f"(SELECT epoch_us({time}) - epoch_us(lag({time}) OVER {window}) AS since, {level} AS still, "  # noqa: S608 - names of declared fields
        f"{grid} AS off_grid, {time} >= TIMESTAMPTZ '{scope.ends}+00' AS ahead FROM rows)"
    )
    regular = {
        "gaps": (steps.gaps, steps.steps, f"count(*) FILTER (since > {step * 3 // 2}), count(since)"),
        "missing_steps": (
            steps.missing,
            steps.rows,
            f"coalesce(sum(since // {step or 1} - 1) FILTER (since > {step * 3 // 2}), 0)::BIGINT, count(*)",
        ),
        "off_the_grid": (steps.off_grid, steps.rows, "count(*) FILTER (off_grid), count(*)"),
    }
    counts = {
        "longest_gap_us": (steps.longest, steps.steps, "greatest(max(since), 0), count(since)"),
        "backward": (steps.backward, steps.steps, "count(*) FILTER (since < 0), count(since)"),
        "duplicate_times": (steps.duplicate, steps.steps, "count(*) FILTER (since = 0), count(since)"),
        "standing_still": (steps.still, steps.still_of, "count(*) FILTER (still), count(still)"),
        "ahead_of_the_interval": (steps.ahead, steps.rows, "count(*) FILTER (ahead), count(*)"),
    } | (regular if step else {})
    told = {name: (count, of, f"SELECT {sql} FROM {source}") for name, (count, of, sql) in counts.items()}  # noqa: S608
    return told | (_event_checks(scope, groups) if not step else {})


def _event_checks(scope: Scope, groups: str) -> dict[str, Count]:
    """Of events: numbers that are missing or stand twice, and ends that do not meet the next beginning."""
    expected = scope.checks.expected
    asked: dict[str, Asked] = {}
    if expected.sequence:
        ordered = f'lag("{expected.sequence}") OVER (PARTITION BY {groups} ORDER BY "{expected.sequence}")'
        source = f'(SELECT "{expected.sequence}" - {ordered} AS step FROM rows)'  # noqa: S608 - names of declared fields
        asked["missing_numbers"] = Asked("coalesce(sum(step - 1) FILTER (step > 1), 0)::BIGINT", "count(*)", source)
        asked["doubled_numbers"] = Asked("count(*) FILTER (step = 0)", "count(*)", source)
    if expected.until:
        ended = f'lag("{expected.until}") OVER (PARTITION BY {groups} ORDER BY file_row_number)'
        source = f'(SELECT epoch_us("{expected.time}") - epoch_us({ended}) AS free FROM rows)'  # noqa: S608
        asked["uncovered"] = Asked("count(*) FILTER (free > 0)", "count(free)", source)
        asked["overlapping"] = Asked("count(*) FILTER (free < 0)", "count(free)", source)
    with rows_of(scope.parts) as con:
        return answered(con, asked)
