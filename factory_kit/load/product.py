"""Templates of data products from their folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.i18n import N_, Language
from factory_kit.load.checked import checked, yaml_file
from factory_kit.load.document import Document, read_text, read_yaml
from factory_kit.model.product import Checks, DataProduct, Listing

__all__ = ["ProductTemplate", "find_product", "product_folder"]


SOME_LISTING = Listing(
    name="-", description="-" * 20, keywords=("-",), theme="-", scene="-", source_industry="-", origin=("自行生产",),
    purpose="-", users="-", time_limit="-", no_transfer="-", delivery=("file",),
)  # fmt: skip
"""Stands for a listing with mistakes while the rest of the product is looked at."""
MANUAL_TEMPLATES: dict[Language, str] = {"zh": "manual.docx", "en": "manual.en.docx"}
"""Files in the folder of a product that replace the shipped Word template of its manual, by the language of the manual."""


@dataclass(frozen=True)
class ProductTemplate:
    """A data product as its folder defines it; ``sql`` and ``summary`` are the texts of ``build.sql`` and ``summary.sql`` as they stand."""

    product: DataProduct
    sql: str
    checks: Checks
    summary: str = ""
    manuals: Mapping[Language, Path] = field(default_factory=dict)
    """Word templates of its own for the manuals; the shipped one stands for those that are not there."""


def product_folder(folder: Path) -> ProductTemplate:
    """The template in *folder*; ``DefinitionError`` with the mistakes of all its files."""
    problems: list[Problem] = []
    product = checks = None
    sql = summary = ""
    try:
        product = _product(folder)
        if product.product != folder.name:
            message = N_("{id!r} differs from the name of its folder")
            problems.append(Problem(f"{folder.name}/product.yaml", 1, "product", message, {"id": product.product}))
    except DefinitionError as error:
        problems += error.problems
    try:
        checks = yaml_file(folder / "checks.yaml", Checks, f"{folder.name}/checks.yaml")
    except DefinitionError as error:
        problems += error.problems
    try:
        sql = read_text(folder / "build.sql", f"{folder.name}/build.sql")
    except DefinitionError as error:
        problems += error.problems
    try:
        summary = _summary(folder, product)
    except DefinitionError as error:
        problems += error.problems
    if problems or product is None or checks is None:
        raise DefinitionError(problems)
    manuals = {language: folder / name for language, name in MANUAL_TEMPLATES.items() if (folder / name).is_file()}
    return ProductTemplate(product, sql, checks, summary, manuals)


def _summary(folder: Path, product: DataProduct | None) -> str:
    """The text of ``summary.sql``; it and ``summary`` in product.yaml come together or not at all."""
    there = (folder / "summary.sql").is_file()
    if product is not None and there != (product.summary is not None):
        message = N_("summary and summary.sql belong together; one of them is missing")
        raise DefinitionError([Problem(f"{folder.name}/product.yaml", 1, "summary", message)])
    return read_text(folder / "summary.sql", f"{folder.name}/summary.sql") if there else ""


def _product(folder: Path) -> DataProduct:
    """``product.yaml`` with its ``listing``, which may stand in ``listing.yaml`` beside it; the mistakes of both together."""
    document = read_yaml(folder / "product.yaml", f"{folder.name}/product.yaml")
    beside = folder / "listing.yaml"
    if not beside.is_file() or not isinstance(document.content, dict):
        return checked(document, DataProduct)
    name = f"{folder.name}/listing.yaml"
    if "listing" in document.content:
        message = N_("listing stands in product.yaml too; keep one of them")
        raise DefinitionError([Problem(name, 1, "", message)])
    problems: list[Problem] = []
    listing = SOME_LISTING
    try:
        listing = yaml_file(beside, Listing, name)
    except DefinitionError as error:
        problems += error.problems
    try:
        whole = Document(document.name, document.content | {"listing": listing}, document.lines)
        product = checked(whole, DataProduct)
    except DefinitionError as error:
        raise DefinitionError([*problems, *error.problems]) from error
    if problems:
        raise DefinitionError(problems)
    return product


def find_product(name: str, folders: Sequence[Path]) -> Path:
    """The first folder called *name* that holds a product; ``UsageError`` with those there are when none does."""
    for folder in folders:
        if (folder / name / "product.yaml").is_file():
            return folder / name
    known = sorted({path.parent.name for folder in folders for path in folder.glob("*/product.yaml")})
    raise UsageError("{name}: there is no such data product; known: {known}", name=name, known=", ".join(known) or "-")
