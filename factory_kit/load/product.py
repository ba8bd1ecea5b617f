"""Templates of data products from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.load.checked import yaml_file
from factory_kit.load.document import read_text
from factory_kit.model.product import Checks, DataProduct

__all__ = ["ProductTemplate", "find_product", "product_folder"]


@dataclass(frozen=True)
class ProductTemplate:
    """A data product as its folder defines it; ``sql`` is the text of ``build.sql`` as it stands."""

    product: DataProduct
    sql: str
    checks: Checks


def product_folder(folder: Path) -> ProductTemplate:
    """The template in *folder*; ``DefinitionError`` with the mistakes of all its files."""
    problems: list[Problem] = []
    product = checks = None
    sql = ""
    try:
        product = yaml_file(folder / "product.yaml", DataProduct, f"{folder.name}/product.yaml")
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
    if problems or product is None or checks is None:
        raise DefinitionError(problems)
    return ProductTemplate(product, sql, checks)


def find_product(name: str, folders: Sequence[Path]) -> Path:
    """The first folder called *name* that holds a product; ``UsageError`` with those there are when none does."""
    for folder in folders:
        if (folder / name / "product.yaml").is_file():
            return folder / name
    known = sorted({path.parent.name for folder in folders for path in folder.glob("*/product.yaml")})
    raise UsageError("{name}: there is no such data product; known: {known}", name=name, known=", ".join(known) or "-")
