"""The twenty things the documentation of a dataset must hold (TC609-5-2025-04, 0101 to 0104), and which of them a README has."""

from __future__ import annotations

import re

__all__ = ["ITEMS", "documented", "missing"]

ITEMS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("0101", "基本信息完整性", ("规模", "格式规范", "文件结构", "获取渠道", "技术支持方式")),
    ("0102", "内容特征完整性", ("模态类型", "数据分布", "标签类别统计", "样本示例", "局限性说明")),
    ("0103", "建设过程完整性", ("数据来源", "采集方法", "加工处理流程", "标注规范", "版本控制记录")),
    ("0104", "应用说明完整性", ("使用许可", "目标应用场景", "评估方法", "基准测试结果", "典型应用案例")),
)
EMPTY = re.compile(r"^\W*(?:未提供|待补充|TODO|TBD|N/A)?\W*$", re.IGNORECASE)


def documented(readme: str) -> set[str]:
    """The items that have a heading of their own in *readme* with something said below it."""
    sections = re.split(r"^#{2,4} +", readme, flags=re.MULTILINE)[1:]
    found = set()
    for section in sections:
        heading, _, text = section.partition("\n")
        if not EMPTY.match(text.strip()):
            found |= {item for _, _, items in ITEMS for item in items if item in heading}
    return found


def missing(readme: str) -> list[str]:
    """The items that *readme* lacks, in order."""
    there = documented(readme)
    return [item for _, _, items in ITEMS for item in items if item not in there]
