"""Data products: what a dataset is, its fields, licence, grading, recipe and rules; the one manifest all papers are made from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from factory_kit.model.definition import Definition, Identifier, LaxDate, LaxDecimal, Text, mistake

__all__ = ["Checks", "DataProduct", "Grading", "Licence", "Listing", "ProductField", "Recipe", "RuleCheck"]

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
    treatment: Literal["none", "pseudonym", "rounded", "resampled"] = "none"
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


class Recipe(Definition):
    """What is done to the data before it leaves; written into the papers."""

    id: Identifier
    steps: tuple[Text, ...] = Field(min_length=1)
    time_shift: Literal["none"] = "none"


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
    fields: tuple[ProductField, ...] = Field(min_length=1)
    listing: Listing

    @model_validator(mode="after")
    def _fields_fit(self) -> DataProduct:
        names = [field.name for field in self.fields]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise mistake("fields given twice: {names}", names=", ".join(doubles))
        if not any(field.key for field in self.fields):
            raise mistake("no field is a key: say which fields make a row unique")
        untreated = [field.name for field in self.fields if field.sensitive and field.treatment == "none"]
        if untreated:
            raise mistake("sensitive fields without a treatment: {names}", names=", ".join(untreated))
        return self


class RuleCheck(Definition):
    """A rule every row must meet, as a SQL condition over the fields."""

    id: Identifier
    label: Text
    kind: Literal["business", "related"]
    condition: str = Field(min_length=1)


class Expected(Definition):
    """Which rows there should be: one for each group and step of time."""

    time: Identifier
    every: Literal["hour", "day", "minute"]
    per: tuple[Identifier, ...]


class Checks(Definition):
    """``checks.yaml`` of a data product: the rules its rows must meet."""

    rules: tuple[RuleCheck, ...] = ()
    expected: Expected
