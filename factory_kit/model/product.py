"""Data products: what a dataset is, its fields, licence, grading, recipe and rules; the one manifest all papers are made from."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from factory_kit.model.definition import Definition, Identifier, LaxDate, LaxDecimal, Text, mistake
from factory_kit.model.recipe import Recipe

__all__ = [
    "Checks",
    "DataProduct",
    "Expected",
    "Grading",
    "Impact",
    "LabelTable",
    "Licence",
    "Listing",
    "ProductField",
    "Recipe",
    "RuleCheck",
    "Summary",
    "Watermark",
]

FieldType = Literal["timestamp", "string", "integer", "decimal", "number", "boolean"]


class ProductField(Definition):
    """One column of the dataset."""

    name: Identifier
    label: Text
    description: Text
    type: FieldType
    unit: str = ""
    """UCUM where it has one; empty for what has no unit."""
    key: bool = False
    """Part of what makes a row unique."""
    required: bool = True
    minimum: LaxDecimal | None = None
    maximum: LaxDecimal | None = None
    places: int = Field(default=3, ge=0, le=12)
    """Decimals of a decimal field."""
    treatment: Literal["none", "pseudonym", "shifted", "scaled", "rounded", "clipped", "resampled"] = "none"
    """What the recipe does to it before it leaves."""
    sensitive: bool = False
    """Whether it must not leave untreated."""

    @model_validator(mode="after")
    def _limits_fit(self) -> ProductField:
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise mistake("maximum lies below minimum")
        return self


class Licence(Definition):
    """Under which terms the dataset may be used."""

    id: Identifier
    title: Text
    url: str = ""


National = Literal["一般", "重要", "核心"]
Harm = Literal["无", "一般", "严重", "特别严重"]
GRADES: tuple[National, ...] = ("一般", "重要", "核心")
HARMS: tuple[Harm, ...] = ("无", "一般", "严重", "特别严重")


class Impact(Definition):
    """One answer of the questionnaire: how much harm a leak would do to whom, and why one thinks so."""

    on: Literal["国家安全", "经济运行", "社会秩序", "公共利益", "组织权益", "个人权益"]
    harm: Harm
    because: str = Field(min_length=1)

    @property
    def national(self) -> National:
        """The grade that follows (GB/T 43697-2024, clause 6; the table from memory of the standard, so to be checked)."""
        severity = HARMS.index(self.harm)
        if self.on == "国家安全":
            return GRADES[min(severity, 2)]
        if self.on in ("组织权益", "个人权益"):
            return "一般"
        return GRADES[max(severity - 1, 0)]


class Grading(Definition):
    """Class and level of the data, who decided, and why (GB/T 43697-2024; 工业数据分类分级指南(试行), 工信厅信发〔2020〕6号)."""

    national: Literal["一般", "重要", "核心"]
    domain: Literal["研发数据域", "生产数据域", "运维数据域", "管理数据域", "外部数据域"]
    level: Literal["一级", "二级", "三级"]
    because: Text
    basis: tuple[str, ...] = Field(min_length=1)
    decided_by: str = ""
    """Empty in a template: whoever builds must decide."""
    decided_on: LaxDate | None = None
    approval: str = ""
    """Reference of the approval that 重要 and 三级 need."""
    impacts: tuple[Impact, ...] = ()
    """The questionnaire; empty while nobody answered it."""

    @model_validator(mode="after")
    def _follows_from_the_answers(self) -> Grading:
        asked = [impact.on for impact in self.impacts]
        if len(set(asked)) != len(asked):
            raise mistake("impacts: the same object is answered twice")
        derived = max((GRADES.index(impact.national) for impact in self.impacts), default=0)
        if derived > GRADES.index(self.national):
            raise mistake(
                "national is {declared}, but the answers under impacts give {derived}",
                declared=self.national,
                derived=GRADES[derived],
            )
        return self


class Watermark(Definition):
    """Marks that tell recipients apart: by how much each field may change, and how long one mark is held."""

    fields: dict[Identifier, Annotated[LaxDecimal, Field(gt=0)]] = Field(min_length=1)
    """Field → the largest change, declared in the papers; above the sensor's noise is wrong, below its resolution is lost."""
    window_s: int = Field(default=64, ge=1, le=31 * 86400)
    """A mark is the same over so many seconds: means over shorter windows keep it."""


Short20 = Annotated[str, Field(min_length=1, max_length=20)]


class Listing(Definition):
    """What the exchange's form asks (data_exchange: 数据产品说明书), with its limits; texts in Chinese as the form takes them."""

    name: Short20
    name_en: str = Field(default="", pattern=r"^[A-Za-z0-9]*$")
    description: str = Field(min_length=20, max_length=150)
    keywords: tuple[str, ...] = Field(min_length=1, max_length=5)
    product_type: Literal["数据集", "算法集", "数据服务", "其它"] = "数据集"
    theme: str = Field(min_length=1)
    scene: str = Field(min_length=1)
    source_industry: str = Field(min_length=1)
    update: Literal["静态", "动态"] = "静态"
    update_frequency: Literal["", "实时", "每小时", "每日", "每周", "每月", "每半年", "每年"] = ""
    origin: tuple[Literal["自行生产", "协议取得", "公开收集", "其他来源"], ...] = Field(min_length=1)
    purpose: str = Field(min_length=1, max_length=60)
    users: str = Field(min_length=1, max_length=110)
    time_limit: str = Field(min_length=1)
    no_transfer: str = Field(min_length=1, max_length=60)
    other_limits: str = Field(default="无", min_length=1, max_length=60)
    delivery: tuple[Literal["file", "api", "sandbox"], ...] = Field(min_length=1)
    price: Literal["面议", "一次性", "按时间", "按次"] = "面议"

    @model_validator(mode="after")
    def _keywords_fit(self) -> Listing:
        if len(",".join(self.keywords)) > 15:
            raise mistake("the keywords with their commas are longer than the 15 signs of the form")
        if self.update == "动态" and not self.update_frequency:
            raise mistake("a dataset that changes (动态) needs update_frequency")
        return self


MOST_FIELDS = 1000
VIEWS = frozenset(
    {
        "asked", "pseudonyms", "rows", "samples", "points", "points_history", "equipment", "states", "runs", "gaps", "loss_ledger", "latest",
        "rollup_1min", "journal", "journal_replaces", "arriving",
    }
)  # fmt: skip
"""Names that build.sql knows already."""


class LabelTable(Definition):
    """A table that build.sql may join: ``labels/<table>.csv`` of the workspace, with these columns and a heading line."""

    table: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    description: Text
    columns: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")],
        Literal["timestamp", "string", "integer", "number", "boolean"],
    ] = Field(min_length=1)
    """Times are ISO 8601 with their zone; an empty cell is no value."""
    required: bool = True
    """Whether there is no product without the file; otherwise the table is empty then."""

    @model_validator(mode="after")
    def _is_free(self) -> LabelTable:
        if self.table in VIEWS:
            raise mistake("{table} is a table that build.sql has already; choose another name", table=self.table)
        return self


class Summary(Definition):
    """What ``summary.sql`` tells of the rows in a few lines: its title and the words for its columns, in their order."""

    title: Text
    columns: dict[Identifier, Text] = Field(min_length=1)
    note: Text | None = None


class DataProduct(Definition):
    """``product.yaml`` of a data product."""

    product: Identifier
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: Text
    description: Text
    licence: Licence
    grading: Grading
    recipe: Recipe
    roles: tuple[Identifier, ...] = Field(min_length=1)
    """Roles of the points it is made from."""
    points: tuple[str, ...] = ()
    """Names of the points it is made from, where roles alone do not tell them (role ``other``)."""
    labels: tuple[LabelTable, ...] = ()
    """Tables of the workspace that are joined: results of inspections, reasons of stops, nominal values."""
    summary: Summary | None = None
    """What ``summary.sql`` beside it tells."""
    fields: tuple[ProductField, ...] = Field(min_length=1)
    listing: Listing
    watermark: Watermark | None = None
    """None: no copy is marked."""
    calibration: bool = False
    """For calibration every digit counts: such a product is never marked."""
    identifier: str = Field(default="", max_length=200)
    """The product's code in the identifier system of industry (标识解析), where it has one."""
    documentation: dict[str, Text] = Field(default_factory=dict)
    """What only people can tell of the twenty things a README must hold, by the name TC609-5-2025-04 gives them."""

    @model_validator(mode="after")
    def _fields_fit(self) -> DataProduct:
        names = [field.name for field in self.fields]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise mistake("fields given twice: {names}", names=", ".join(doubles))
        if not any(field.key for field in self.fields):
            raise mistake("no field is a key: say which fields make a row unique")
        if len(names) > MOST_FIELDS:
            raise mistake(
                "{count} fields, expected at most {most}; split the product", count=len(names), most=MOST_FIELDS
            )
        untreated = [field.name for field in self.fields if field.sensitive and field.treatment == "none"]
        if untreated:
            raise mistake("sensitive fields without a treatment: {names}", names=", ".join(untreated))
        return self

    @model_validator(mode="after")
    def _units_are_honest(self) -> DataProduct:
        scaled = {step.field for step in self.recipe.operations if step.op == "scale"}
        wrong = [field.name for field in self.fields if field.name in scaled and field.unit not in ("1", "%")]
        if wrong:
            raise mistake(
                "scaled fields keep no unit of measurement, expected unit 1 or %: {names}", names=", ".join(wrong)
            )
        return self

    @model_validator(mode="after")
    def _marks_fit(self) -> DataProduct:
        if self.watermark is None:
            return self
        if self.calibration:
            raise mistake("a product for calibration is never marked; remove watermark")
        kinds = {field.name: field for field in self.fields}
        for name, step in self.watermark.fields.items():
            field = kinds.get(name)
            if field is None or field.type not in ("decimal", "number") or field.key:
                raise mistake("watermark: {name} is no decimal or number field outside the key", name=name)
            if field.type == "decimal" and step < Decimal(1).scaleb(-field.places):
                raise mistake("watermark: {name} may change by {step}, less than its last place", name=name, step=step)
        return self


class RuleCheck(Definition):
    """A rule every row must meet, as a SQL condition over the fields."""

    id: Identifier
    label: Text
    kind: Literal["business", "related"]
    condition: str = Field(min_length=1)


class Expected(Definition):
    """Which rows there should be: one for each group and step of time, or (``every: event``) one whenever something happened."""

    time: Identifier
    every: Literal["hour", "day", "minute", "second", "event"]
    per: tuple[Identifier, ...]
    times: int = Field(default=1, ge=1, le=1000)
    """One row for so many of *every*."""
    sequence: Identifier | None = None
    """Of events: a whole number that grows by one from row to row of a group, so that missing rows show."""
    until: Identifier | None = None
    """Of events: when the row ends, where the next row of its group is expected to begin."""

    @model_validator(mode="after")
    def _events_alone_are_counted(self) -> Expected:
        if self.every != "event" and (self.sequence or self.until):
            raise mistake("sequence and until belong to rows of events (every: event)")
        if self.every == "event" and self.times != 1:
            raise mistake("times counts steps of time; events have none")
        return self


class Checks(Definition):
    """``checks.yaml`` of a data product: the rules its rows must meet."""

    rules: tuple[RuleCheck, ...] = ()
    expected: Expected
