"""The fields of the exchange's upload form as an Excel file, and the checklist of what is attached and what is missing."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter

from factory_kit.pack.build import Built, as_json
from factory_kit.pack.documentation import missing

__all__ = ["checklist", "upload_form"]

TYPES = {"数据集": "01", "算法集": "02", "数据服务": "03", "其它": "99"}
UPDATES = {"静态": "1", "动态": "2"}
FREQUENCIES = {"实时": "1", "每小时": "2", "每日": "3", "每周": "4", "每月": "5", "每半年": "6", "每年": "7"}
ORIGINS = {"自行生产": "1", "协议取得": "2", "公开收集": "3", "其他来源": "99"}
ATTACHMENTS = ("合规评估文件", "质量评估证书", "法律承诺书", "来源证明", "承诺函")
"""What only people can bring; the self-check and the sample are in the package."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MADE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def fields(built: Built) -> list[tuple[str, str, str]]:
    """Key of the form, its Chinese name, and what to enter."""
    product = built.template.product
    listing = product.listing
    size, unit = (built.data_bytes / 2**30, "2") if built.data_bytes >= 2**30 else (built.data_bytes / 2**20, "1")
    return [
        ("dataName", "产品名称", listing.name), ("dataNameEn", "英文名称", listing.name_en), ("dataContent", "产品描述", listing.description),
        ("keyWord", "关键字", ",".join(listing.keywords)), ("dataType", "产品类型", TYPES[listing.product_type]), ("categoryOne", "模态", "时序"),
        ("dataSource", "来源行业", listing.source_industry), ("industry", "数据主题", listing.theme), ("applicationScene", "应用场景", listing.scene),
        ("updateFrequencyType", "更新频率", UPDATES[listing.update]), ("updateFrequency", "更新频次", FREQUENCIES.get(listing.update_frequency, "")),
        ("dataStore", "数据存储大小", f"{max(size, 0.01):.2f}"), ("dataStoreUnit", "存储单位（1 MB，2 GB）", unit), ("dataNumber", "产品条数", str(built.rows)),
        ("undDataDim", "底层数据维度", str(len(product.fields))),
        ("coverage", "覆盖范围", f"{built.span.begins.date().isoformat()} 至 {built.span.ends.date().isoformat()}"),
        ("collectionTime", "首次采集时间", built.span.begins.date().isoformat()), ("releaseTime", "数据发布时间", built.built_on.isoformat()),
        ("usagePurpose", "使用目的", listing.purpose), ("userReq", "使用者资质", listing.users), ("usagePres", "时间限制", listing.time_limit),
        ("rule", "不得转让规则", listing.no_transfer), ("otherRestrictions", "其他限制", listing.other_limits),
        ("dataFrom", "数据来源", ",".join(ORIGINS[each] for each in listing.origin)), ("deliveryPattern", "交付方式", ",".join(listing.delivery)),
        ("price", "产品价格", listing.price),
    ]  # fmt: skip


def upload_form(built: Built) -> bytes:
    """The workbook: the fields in the order of the form, then the table of output fields."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"author": "Factory Kit", "created": MADE})
    head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    sheet = book.add_worksheet("产品信息")
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 24)
    sheet.set_column(2, 2, 70)
    for row, line in enumerate([("字段 key", "名称", "填写内容"), *fields(built)]):
        for column, text in enumerate(line):
            sheet.write_string(row, column, text, wrap if row else head)
    table = book.add_worksheet("输出字段")
    table.set_column(0, 5, 22)
    heads = ("name", "名称", "类型", "单位", "主键", "说明")
    rows = [
        (f.name, f.label.zh, f.type, f.unit, "是" if f.key else "否", f.description.zh)
        for f in built.template.product.fields
    ]
    for row, texts in enumerate([heads, *rows]):
        for column, text in enumerate(texts):
            table.write_string(row, column, text, wrap if row else head)
    book.close()
    return out.getvalue()


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
        "grading": decided,
        "delivery": list(product.listing.delivery),
        "identifier": product.identifier,
        "largest_change_by_marks": built.provenance.get("watermark"),
        "note": "《数据交易安全合规指引》的逐条文本未取得，清单按其公开结构与挂牌页面的材料代码编制，以办理时的要求为准",
    })  # fmt: skip
