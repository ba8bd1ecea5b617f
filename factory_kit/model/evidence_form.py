"""The JSON form of a machine record, checked while it is parsed: nothing of another type, no key too many, nothing out of order."""

from __future__ import annotations

from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, core_schema, to_json

from factory_kit.model.canonical_json import LARGEST, is_ordered

__all__ = ["quick_form"]

_TEXT = core_schema.str_schema(strict=True)
_TEXT_OR_NONE = core_schema.nullable_schema(_TEXT)
_WHOLE = core_schema.int_schema(strict=True, ge=-LARGEST, le=LARGEST)


def _object(fields: dict[str, CoreSchema]) -> CoreSchema:
    """An object of exactly these *fields*, given back in the order of RFC 8785 whatever the order they came in."""
    required = {name: core_schema.typed_dict_field(fields[name], required=True) for name in sorted(fields)}
    return core_schema.typed_dict_schema(required, extra_behavior="forbid", strict=True)


def _list(of: CoreSchema) -> CoreSchema:
    return core_schema.list_schema(of, strict=True)


_FORM = SchemaValidator(
    _object(
        {
            "form": core_schema.literal_schema([1]),
            "kind": core_schema.literal_schema(["machine"]),
            "grade": core_schema.literal_schema(["A"]),
            "indicator": _object({"id": _TEXT, "rev": _WHOLE, "sql_sha256": _TEXT}),
            "outcome": core_schema.literal_schema(["value", "inconclusive", "not applicable"]),
            **dict.fromkeys(("subject", "unit", "received"), _TEXT),
            **dict.fromkeys(
                ("reason", "value", "lower", "upper", "numerator", "denominator", "coverage"), _TEXT_OR_NONE
            ),
            "points": _list(_object(dict.fromkeys(("equipment", "point", "role"), _TEXT))),
            "interval": _object({"from": _TEXT, "to": _TEXT}),
            "blocks": _WHOLE,
            "ledger": _object({"count": _WHOLE}),
            "origin": _list(_TEXT),
            "files": _list(_object({"path": _TEXT, "rows": _WHOLE, "sha256": _TEXT})),
            "engine": _object({"factory_kit": _TEXT, "duckdb": _TEXT}),
            "details": core_schema.dict_schema(_TEXT, core_schema.any_schema(), strict=True),
        }
    )
)


def quick_form(data: bytes) -> dict[str, Any] | None:
    """The content of a record whose canonical bytes *data* are; None where that cannot be told here, for whatever reason.

    What is written from the checked content in the order of the form is compared with *data*, so that a record in another
    order, with a doubled key or another way of writing a character is none.
    """
    try:
        content: dict[str, Any] = _FORM.validate_json(data)
    except ValueError:
        return None
    details = content["details"]
    return content if to_json(content) == data and (not details or is_ordered(details)) else None
