"""The README of a package: the first page a buyer opens, with a heading for each of the twenty things TC609-5-2025-04 asks for.

What the manifest and the rows tell is written by the machine; what only people know comes from ``documentation`` in product.yaml. What
nobody wrote has no heading: the checklist names it.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory_kit.model.product import ProductField
from factory_kit.pack.build import Built
from factory_kit.pack.charts import CHARTS
from factory_kit.pack.documentation import ITEMS
from factory_kit.pack.quality import rows_of
from factory_kit.pack.summary import summary_of

__all__ = ["categories", "collected", "readme", "sample_rows", "statistics"]

SAMPLE = 100
SHOWN = 5


def readme(built: Built) -> str:
    """The README in Markdown, Chinese with English beside it."""
    product = built.template.product
    demo = "\n> 演示数据，非真实工厂 / Demonstration data, no real plant\n" if built.site.kind == "demo" else ""
    head = f"# {product.title.zh} / {product.title.en}\n{demo}\n{product.description.zh}\n\n{product.description.en}\n"
    told = _told(built)
    for name, text in product.documentation.items():
        told[name] = "\n\n".join(part for part in (text.zh, text.en, told.get(name, "")) if part)
    order = [item for _code, _label, items in ITEMS for item in items]
    names = [*(item for item in order if item in told), *(name for name in told if name not in order)]
    sections = "".join(f"\n## {_heading(name)}\n\n{told[name]}\n" for name in names if told[name])
    verify = "\n## 核验 Verify\n\n`factory-kit pack verify FILE` — 离线核对签名与每个文件的哈希 / checks signature and every hash, offline.\n"
    return head + sections + verify


ENGLISH = {
    "规模": "Size", "格式规范": "Format", "文件结构": "Files", "获取渠道": "How to get it", "技术支持方式": "Support", "模态类型": "Modality",
    "数据分布": "Distribution", "标签类别统计": "Labels", "样本示例": "Sample", "局限性说明": "Limits", "数据来源": "Source", "采集方法": "Collection",
    "加工处理流程": "Processing", "标注规范": "Labelling rules", "版本控制记录": "Versions", "使用许可": "Licence", "目标应用场景": "Intended use",
    "评估方法": "Evaluation", "基准测试结果": "Benchmark results", "典型应用案例": "Use cases", "分类分级": "Grading", "汇总": "Summary",
}  # fmt: skip
COLLECTED = {
    "live": "OPC UA / Modbus 只读采集，含质量码 / read-only over OPC UA or Modbus, with quality codes",
    "imported": "由历史数据库导出文件导入 / imported from exports of a historian",
    "replayed": "历史记录回放采集 / collected from a replayed recording",
    "simulated": "模拟生成，未连接任何设备 / simulated, no machine was connected",
}
WAYS = {"file": "文件传输 file", "api": "API 接口 API", "sandbox": "可用不可见（沙箱）sandbox"}


def collected(origins: Sequence[str]) -> str:
    """How the samples came about, by their origins."""
    return "；".join(COLLECTED.get(origin, origin) for origin in origins)


def _heading(name: str) -> str:
    return f"{name} {ENGLISH[name]}" if name in ENGLISH else name


def _told(built: Built) -> dict[str, str]:
    product = built.template.product
    listing, grading = product.listing, product.grading
    moved = "（已平移 moved）" if any(step.op == "shift" for step in product.recipe.operations) else ""
    files = "\n".join(
        f"- `{part.relative_to(built.folder).as_posix()}`: {part.stat().st_size} B" for part in built.parts
    )
    kinds = "、".join(dict.fromkeys(field.type for field in product.fields))
    return {
        "规模": f"{built.rows} 行 / rows，{len(product.fields)} 列 / columns，{built.data_bytes} B；区间 interval (UTC) {built.span.begins} – {built.span.ends}{moved}",
        "格式规范": f"Parquet (zstd), UTC。字段 Fields:\n\n{_fields(product.fields)}",
        "文件结构": f"{files}\n- `papers/`: 说明书、数据字典、质量、来源 / manual, dictionary, quality, provenance\n- `sample/`: 样例 / sample",
        "获取渠道": f"由 {built.site.plant.name.zh} 按合同提供 / from the supplier by contract；{'、'.join(WAYS[way] for way in listing.delivery)}",
        "标签类别统计": _categories(built),
        "模态类型": f"时序 / time series ({kinds})",
        "数据分布": _distribution(built),
        "样本示例": _table(*sample_rows(built, SHOWN)),
        "数据来源": f"{'、'.join(listing.origin)}；origins: {', '.join(built.origins)}",
        "采集方法": collected(built.origins),
        "加工处理流程": "\n".join(f"- {step.zh} / {step.en}" for step in product.recipe.steps),
        "版本控制记录": f"{product.version}，{built.built_on.isoformat()}",
        "使用许可": f"{product.licence.title.zh} / {product.licence.title.en}；{listing.no_transfer}；{listing.other_limits}",
        "目标应用场景": f"{listing.scene}：{listing.purpose}",
        "汇总": _summary(built),
        "分类分级": f"{grading.national} / {grading.level} ({grading.domain})",
    }


def _fields(fields: Sequence[ProductField]) -> str:
    rows = [[field.name, field.type, field.unit, field.label.zh, field.description.zh] for field in fields]
    return _table(["字段", "类型", "单位", "名称", "说明"], rows)


def statistics(built: Built) -> list[dict[str, str | None]]:
    """Count, missing, least, largest, mean and standard deviation of every number field, as text."""
    return built.once("statistics", lambda: _statistics(built))


def _statistics(built: Built) -> list[dict[str, str | None]]:
    names = [field.name for field in built.template.product.fields if field.type in ("decimal", "number", "integer")]
    if not names:
        return []
    figures = ("count", "min", "max", "avg", "stddev_samp")
    asked = ", ".join(f'{figure}(CAST("{name}" AS DOUBLE))' for name in names for figure in figures)
    with rows_of(built.parts) as con:
        found = con.execute(f"SELECT {asked} FROM rows").fetchone() or ()  # noqa: S608 - names of declared fields
    result: list[dict[str, str | None]] = []
    for place, name in enumerate(names):
        count, *values = found[place * 5 : place * 5 + 5]
        shown = [None if value is None else f"{value:.6g}" for value in values]
        missing = str(built.rows - int(count))
        result.append(
            {
                "field": name,
                "count": str(count),
                "missing": missing,
                "min": shown[0],
                "max": shown[1],
                "mean": shown[2],
                "std": shown[3],
            }
        )
    return result


def _distribution(built: Built) -> str:
    found = statistics(built)
    keys = ["field", "count", "missing", "min", "max", "mean", "std"]
    pictures = sorted(path.name for path in (built.folder / CHARTS).glob("*.svg"))
    drawn = "".join(f"\n\n![{name.removesuffix('.svg')}]({CHARTS}/{name})" for name in pictures)
    return (_table(keys, [[each[key] or "" for key in keys] for each in found]) if found else "") + drawn


MOST_KINDS = 20
"""A text field with more kinds of values is no label."""


def categories(built: Built) -> dict[str, dict[str, str]]:
    """How often each value of the labels stands in the rows: text fields outside the key, of few kinds, and truth values; empty: no value."""
    names = [
        field.name for field in built.template.product.fields if field.type in ("string", "boolean") and not field.key
    ]
    counted = {}
    with rows_of(built.parts) as con:
        for name in names:
            sql = f"SELECT coalesce(CAST(\"{name}\" AS VARCHAR), ''), count(*) FROM rows GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_KINDS + 1}"  # noqa: S608 - a declared field
            found = con.execute(sql).fetchall()
            if len(found) <= MOST_KINDS:
                counted[name] = {str(value): str(count) for value, count in found}
    return counted


def _categories(built: Built) -> str:
    rows = [
        [name, value or "—", count] for name, values in categories(built).items() for value, count in values.items()
    ]
    return _table(["字段 field", "值 value", "行数 rows"], rows) if rows else ""


def _summary(built: Built) -> str:
    told = built.template.product.summary
    if told is None:
        return ""
    head = [f"{label.zh} {label.en}" for label in told.columns.values()]
    note = f"\n\n{told.note.zh}\n\n{told.note.en}" if told.note else ""
    return f"{told.title.zh} / {told.title.en}\n\n{_table(head, summary_of(built.template, built.parts))}{note}"


def sample_rows(built: Built, most: int = SAMPLE) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the first *most* rows, as text."""
    names = [field.name for field in built.template.product.fields]
    columns = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in names)
    with rows_of(built.parts) as con:
        rows = con.execute(f"SELECT {columns} FROM rows LIMIT {most}").fetchall()  # noqa: S608 - names of declared fields
    return names, [["" if value is None else str(value) for value in row] for row in rows]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
