"""The README of a package: the first page a buyer opens, with a heading for each of the twenty things TC609-5-2025-04 asks for.

What the manifest and the rows tell is written by the machine; what only people know comes from ``documentation`` in product.yaml. What
nobody wrote has no heading: the checklist names it.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory_kit.model.product import ProductField
from factory_kit.pack.build import Built
from factory_kit.pack.quality import rows_of

__all__ = ["readme", "sample_rows", "statistics"]

SAMPLE = 100
SHOWN = 5


def readme(built: Built) -> str:
    """The README in Markdown, Chinese with English beside it."""
    product = built.template.product
    demo = "\n> 演示数据，非真实工厂 / Demonstration data, no real plant\n" if built.site.kind == "demo" else ""
    head = f"# {product.title.zh} / {product.title.en}\n{demo}\n{product.description.zh}\n\n{product.description.en}\n"
    told = _told(built) | {name: f"{text.zh}\n\n{text.en}" for name, text in product.documentation.items()}
    sections = "".join(f"\n## {name}\n\n{text}\n" for name, text in told.items() if text)
    verify = "\n## 核验 Verify\n\n`factory-kit pack verify FILE` — 离线核对签名与每个文件的哈希 / checks signature and every hash, offline.\n"
    return head + sections + verify


def _told(built: Built) -> dict[str, str]:
    product = built.template.product
    listing, grading = product.listing, product.grading
    files = "\n".join(
        f"- `{part.relative_to(built.folder).as_posix()}`: {part.stat().st_size} B" for part in built.parts
    )
    kinds = "、".join(dict.fromkeys(field.type for field in product.fields))
    return {
        "规模": f"{built.rows} 行 / rows，{len(product.fields)} 列 / columns，{built.data_bytes} B；区间 interval (UTC) {built.span.begins} – {built.span.ends}",
        "格式规范": f"Parquet (zstd), UTC。字段 Fields:\n\n{_fields(product.fields)}",
        "文件结构": f"{files}\n- `papers/`: 说明书、数据字典、质量、来源 / manual, dictionary, quality, provenance\n- `sample/`: 样例 / sample",
        "模态类型": f"时序 / time series ({kinds})",
        "数据分布": _distribution(built),
        "样本示例": _table(*sample_rows(built, SHOWN)),
        "数据来源": f"{'、'.join(listing.origin)}；origins: {', '.join(built.origins)}",
        "采集方法": "OPC UA / Modbus，只读采集，含质量码 / read-only, with quality codes",
        "加工处理流程": "\n".join(f"- {step.zh} / {step.en}" for step in product.recipe.steps),
        "版本控制记录": f"{product.version}，{built.built_on.isoformat()}",
        "使用许可": f"{product.licence.title.zh} / {product.licence.title.en}；{listing.no_transfer}；{listing.other_limits}",
        "目标应用场景": f"{listing.scene}：{listing.purpose}",
        "分类分级": f"{grading.national} / {grading.level} ({grading.domain})",
    }


def _fields(fields: Sequence[ProductField]) -> str:
    rows = [[field.name, field.type, field.unit, field.label.zh, field.description.zh] for field in fields]
    return _table(["字段", "类型", "单位", "名称", "说明"], rows)


def statistics(built: Built) -> list[dict[str, str | None]]:
    """Count, missing, least, largest, mean and standard deviation of every number field, as text."""
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
    return _table(keys, [[each[key] or "" for key in keys] for each in found]) if found else ""


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
