"""The columns of a data product as Arrow has them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from factory_kit.model.product import DataProduct, FieldType

__all__ = ["arrow_schema", "same_columns"]

ARROW: Mapping[FieldType, pa.DataType] = {
    "timestamp": pa.timestamp("us", tz="UTC"), "string": pa.string(), "integer": pa.int64(), "decimal": pa.float64(), "number": pa.float64(),
    "boolean": pa.bool_(),
}  # fmt: skip


def arrow_schema(product: DataProduct) -> pa.Schema:
    """The schema of the Parquet parts of *product*."""
    return pa.schema([pa.field(field.name, ARROW[field.type]) for field in product.fields])


def same_columns(one: pa.Schema, other: pa.Schema) -> bool:
    """Whether names and types agree, in order. Whether nulls are allowed is no part of it: writers say that as they please."""
    return bool(one.names == other.names and one.types == other.types)
