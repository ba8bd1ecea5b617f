"""The fields of the exchange's upload form as an Excel file, and the checklist of what is attached and what is missing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

import xlsxwriter

from factory_kit.pack.build import Built, as_json
from factory_kit.pack.compliance import compliance
from factory_kit.pack.documentation import missing

__all__ = ["FormField", "checklist", "fields", "upload_form"]

TYPES = {"数据集": "01", "算法集": "02", "数据服务": "03", "其它": "99"}
UPDATES = {"静态": "1", "动态": "2"}
FREQUENCIES = {"实时": "1", "每小时": "2", "每日": "3", "每周": "4", "每月": "5", "每半年": "6", "每年": "7"}
ORIGINS = {"自行生产": "1", "协议取得": "2", "公开收集": "3", "其他来源": "99"}
ATTACHMENTS = ("合规评估文件", "质量评估证书", "法律承诺书", "来源证明", "承诺函")
"""What only people can bring; the self-check and the sample are in the package."""
LINE = 15.5
"""Height of a line of text in points: readers other than Excel do not make rows higher by themselves."""
WIDE = 0x2E7F
"""Signs beyond this one are twice as wide."""
MADE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the exchange's form: its key, name, what to enter, and the rule it must meet (signs at least, at most; 0: no limit)."""

    key: str
    name: str
    text: str
    least: int = 0
    most: int = 0
    required: bool = True

    @property
    def rule(self) -> str:
        """The rule in words."""
        length = f"{self.least}–{self.most} 字" if self.least else f"不超过 {self.most} 字" if self.most else ""
        return "，".join(part for part in ("必填" if self.required else "选填", length) if part)

    @property
    def fits(self) -> bool:
        """Whether the text meets the rule."""
        there = bool(self.text) or not self.required
        return there and len(self.text) >= self.least and (not self.most or len(self.text) <= self.most)


def fields(built: Built) -> list[FormField]:
    """The fields of the form in its order, filled in as far as the manifest and the rows tell; what only the exchange's lists know is empty."""
    product = built.template.product
    listing = product.listing
    size, unit = (built.data_bytes / 2**30, "2") if built.data_bytes >= 2**30 else (built.data_bytes / 2**20, "1")
    begins, ends = (each.date().isoformat() for each in (built.span.begins, built.span.ends))
    moved = "（时间已平移，见说明书）" if any(step.op == "shift" for step in product.recipe.operations) else ""
    return [
        FormField("dataName", "产品名称", listing.name, 1, 20), FormField("dataNameEn", "英文名称（仅字母数字）", listing.name_en, required=False),
        FormField("dataContent", "产品描述", listing.description, 20, 150), FormField("keyWord", "关键字", ",".join(listing.keywords), 1, 15),
        FormField("dataType", "产品类型（01 数据集）", TYPES[listing.product_type]), FormField("categoryOne", "模态", "时序"),
        FormField("categoryTwo", "应用领域（按办理时字典选，至多三项）", "", required=False), FormField("dataSource", "来源行业", listing.source_industry),
        FormField("industry", "数据主题", listing.theme), FormField("zones", "数据专区（按办理时字典选）", "", required=True),
        FormField("applicationScene", "应用场景", listing.scene), FormField("dataResources", "数据组成成分：数据资源", _resources(built), 1, 500),
        FormField("updateFrequencyType", "更新频率（1 静态，2 动态）", UPDATES[listing.update]),
        FormField("updateFrequency", "更新频次", FREQUENCIES.get(listing.update_frequency, ""), required=listing.update == "动态"),
        FormField("dataStore", "数据存储大小", f"{max(size, 0.01):.2f}"), FormField("dataStoreUnit", "存储单位（1 MB，2 GB）", unit),
        FormField("dataNumber", "产品条数", str(built.rows)), FormField("undDataDim", "底层数据维度", str(len(product.fields))),
        FormField("coverage", "覆盖范围", f"{begins} 至 {ends}{moved}", 1, 50), FormField("collectionTime", "首次采集时间", begins),
        FormField("releaseTime", "数据发布时间", built.built_on.isoformat()), FormField("usagePurpose", "使用目的", listing.purpose, 1, 60),
        FormField("userReq", "使用者资质", listing.users, 1, 110), FormField("usagePres", "时间限制", listing.time_limit),
        FormField("rule", "不得转让规则", listing.no_transfer, 1, 60), FormField("otherRestrictions", "其他限制", listing.other_limits, 1, 60),
        FormField("dataFrom", "数据来源（1 自行生产，2 协议取得，3 公开收集，99 其他）", ",".join(ORIGINS[each] for each in listing.origin)),
        FormField("deliveryPattern", "交付方式", ",".join(listing.delivery)), FormField("price", "产品价格", listing.price),
    ]  # fmt: skip


def _resources(built: Built) -> str:
    """What the dataset is made of, in at most 500 signs."""
    names = "、".join(field.label.zh for field in built.template.product.fields)
    return f"数据表 1 张，{built.rows} 行，{len(built.template.product.fields)} 个字段：{names}。"[:500]


def upload_form(built: Built) -> bytes:
    """The workbook: the fields in the order of the form with their rules, the table of output fields, and the compliance checklist."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"author": "Factory Kit", "created": MADE})
    form = [
        (
            each.key,
            each.name,
            each.text,
            each.rule,
            str(len(each.text)),
            "是" if each.fits else "待补" if not each.text else "否",
        )
        for each in fields(built)
    ]
    output = [
        (f.name, f.label.zh, f.type, f.unit, "是" if f.key else "否", f.description.zh)
        for f in built.template.product.fields
    ]
    _sheet(book, "产品信息", ("字段 key", "名称", "填写内容", "规则", "字数", "符合"), (20, 26, 64, 18, 8, 8), form)
    _sheet(book, "输出字段", ("name", "名称", "类型", "单位", "主键", "说明"), (28, 18, 12, 12, 8, 60), output)
    head = ("部分", "要求", "状态", "已有材料", "尚需提供")
    _sheet(
        book,
        "合规核对",
        head,
        (18, 34, 12, 40, 44),
        [(row.part, row.demand, row.state, row.there, row.needed) for row in compliance(built)],
    )
    book.close()
    return out.getvalue()


def _sheet(book: Any, name: str, head: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1, "text_wrap": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    sheet = book.add_worksheet(name)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for row, line in enumerate([head, *rows]):
        sheet.set_row(
            row,
            LINE
            * max(
                ceil(sum(2 if ord(sign) > WIDE else 1 for sign in text) / (width - 1)) or 1
                for text, width in zip(line, widths, strict=True)
            ),
        )
        for column, text in enumerate(line):
            sheet.write_string(row, column, text, wrap if row else bold)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def checklist(built: Built, folder: Path, readme: str) -> str:
    """What a listing needs, what of it is in the package, and what is missing; the order of the 合规指引's parts where they are known."""
    product = built.template.product
    grading = product.grading
    has = {
        "产品说明书": "papers/数据产品说明书.docx", "自检报告文件": "papers/quality.json", "样例报告文件": "sample/sample.csv",
        "数据字典": "papers/data-dictionary.csv", "上传表单": "papers/上传表单.xlsx", "脱敏处理方案": "papers/recipe.json", "残余风险": "papers/residual-risk.json",
    }  # fmt: skip
    decided = {
        "national": grading.national, "level": grading.level, "decided_by": grading.decided_by,
        "questionnaire": [f"{each.on}: {each.harm} → {each.national} ({each.because})" for each in grading.impacts] or "not answered",
    }  # fmt: skip
    return as_json({
        "attached": {name: path for name, path in has.items() if (folder / path).exists() or path.endswith((".json", ".docx", ".xlsx"))},
        "missing": list(ATTACHMENTS),
        "documentation_missing": missing(readme),
        "form_missing": [each.key for each in fields(built) if not each.fits],
        "compliance": [asdict(row) for row in compliance(built)],
        "grading": decided,
        "delivery": list(product.listing.delivery),
        "identifier": product.identifier,
        "largest_change_by_marks": built.provenance.get("watermark"),
        "note": "《数据交易安全合规指引》的逐条文本未取得，清单按其公开结构与挂牌页面的材料代码编制，以办理时的要求为准",
    })  # fmt: skip
