"""Documents checked against a definition: all mistakes with their lines, in words a user understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.document import CanonicalDocument, Document, Path_, dotted, read_yaml

__all__ = ["checked", "problems_of", "validated", "yaml_file"]

Model = TypeVar("Model", bound=BaseModel)

MESSAGES: Mapping[str, str] = {
    "missing": N_("is missing"),
    "extra_forbidden": N_("is not a known key{hint}"),
    "string_type": N_("{value} is not a text; put it in quotation marks"),
    "string_too_short": N_("must not be empty"),
    "string_pattern_mismatch": N_("{value} does not have the expected form ({pattern})"),
    "int_type": N_("{value} is not a whole number"),
    "int_parsing": N_("{value} is not a whole number"),
    "float_type": N_("{value} is not a number"),
    "finite_number": N_("{value} is not a number"),
    "decimal_type": N_("{value} is not a number"),
    "decimal_parsing": N_("{value} is not a number"),
    "bool_type": N_("{value} is neither true nor false"),
    "date_from_datetime_parsing": N_("{value} is not a date, expected YYYY-MM-DD"),
    "date_parsing": N_("{value} is not a date, expected YYYY-MM-DD"),
    "date_type": N_("{value} is not a date, expected YYYY-MM-DD"),
    "datetime_from_date_parsing": N_("{value} is not a time, expected YYYY-MM-DDThh:mm:ss+08:00"),
    "time_parsing": N_('{value} is not a time of day, expected "hh:mm" in quotation marks'),
    "time_type": N_('{value} is not a time of day, expected "hh:mm" in quotation marks'),
    "literal_error": N_("{value} is not one of {expected}"),
    "enum": N_("{value} is not one of {expected}"),
    "union_tag_invalid": N_("{value} is not one of {expected}"),
    "union_tag_not_found": N_("is missing its {discriminator}"),
    "greater_than_equal": N_("{value} is too small, expected at least {bound}"),
    "greater_than": N_("{value} is too small, expected more than {bound}"),
    "less_than_equal": N_("{value} is too large, expected at most {bound}"),
    "less_than": N_("{value} is too large, expected less than {bound}"),
    "too_short": N_("is empty, expected at least {bound}"),
    "tuple_type": N_("must be a list"),
    "list_type": N_("must be a list"),
    "dict_type": N_("must be a group of keys and values"),
    "model_type": N_("must be a group of keys and values"),
    "model_attributes_type": N_("must be a group of keys and values"),
}
OTHER = N_("{reason}")
UNION_TAGS = ("other",)
"""Words that stand for a kind of thing and are no keys of a file."""


def yaml_file(path: Path, model: type[Model], name: str | None = None) -> Model:
    """What the YAML file *path* defines; ``DefinitionError`` with all its mistakes."""
    return checked(read_yaml(path, name), model)


def checked(document: Document, model: type[Model]) -> Model:
    """The content of *document* as *model*; ``DefinitionError`` with all its mistakes."""
    try:
        return validated(document, model)
    except ValidationError as error:
        raise DefinitionError(problems_of(error, document, model)) from error


def validated(document: Document, model: type[Model]) -> Model:
    """The content of *document* as *model*; pydantic's ``ValidationError`` with the places in that content."""
    if isinstance(document, CanonicalDocument):
        with suppress(ValidationError):  # which is raised once more below, for the content as it is shown
            return model.model_validate_json(document.data)
    return model.model_validate(document.content)


def problems_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """The mistakes of *error* with their places in *document*."""
    details = error.errors(include_url=False)
    return [_problem(detail, document, model) for detail in details if not _follows(detail, details)]


def _follows(detail: ErrorDetails, all_of_them: Sequence[ErrorDetails]) -> bool:
    """Whether *detail* only counts items that are wrong themselves and named with their own lines."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(place)] == place and other is not detail for other in all_of_them
    )


def _problem(detail: ErrorDetails, document: Document, model: type[BaseModel]) -> Problem:
    path = _real_path(detail["loc"], document.content)
    if detail["type"] == "mistake" and path and path[-1] in UNION_TAGS:
        path = path[:-1]  # a mistake of the whole
    context = detail.get("ctx", {})
    bound = next((context[key] for key in ("ge", "gt", "le", "lt", "min_length") if key in context), "")
    details: dict[str, object] = {
        "value": _shown(detail.get("input")),
        "expected": context.get("expected") or context.get("expected_tags") or "",
        "bound": bound,
        "pattern": context.get("pattern", ""),
        "discriminator": context.get("discriminator", ""),
        "hint": _hint(path, model) if detail["type"] == "extra_forbidden" else "",
        "reason": str(context.get("error") or detail["msg"]),
    }
    template = str(context["template"]) if detail["type"] == "mistake" else MESSAGES.get(detail["type"], OTHER)
    return Problem(document.name, document.line(path), dotted(path), template, details | context)


def _real_path(loc: tuple[int | str, ...], content: object) -> Path_:
    """*loc* without the tags of unions and other words that pydantic adds to it."""
    path: list[str | int] = []
    here = content
    for position, part in enumerate(loc):
        inside = (isinstance(here, Mapping) and part in here) or (
            isinstance(here, tuple) and isinstance(part, int) and part < len(here)
        )
        if inside:
            path.append(part)
            here = here[part]  # type: ignore[index]
        elif position == len(loc) - 1 and isinstance(part, str) and part != "[key]":
            path.append(part)
    return tuple(path)


def _hint(path: Path_, model: type[BaseModel]) -> str:
    known = _fields_in(model)
    close = get_close_matches(str(path[-1]), sorted(known), n=1, cutoff=0.75) if path else []
    return f" ({close[0]}?)" if close else ""


def _fields_in(model: type[BaseModel]) -> set[str]:
    """All field names anywhere in *model*: good enough to guess what a mistyped key should have been."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})} | set(model.model_fields)


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
