"""Templates of data products: which are shipped, and a copy of one under a name of one's own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.load.product import find_product, product_folder
from factory_kit.model.product import DataProduct
from factory_kit.shipped import data_dir

__all__ = ["copy_template", "templates"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
IN_YAML = re.compile(r"^product:.*$", re.MULTILINE)


def templates() -> list[DataProduct]:
    """The shipped products, by name."""
    return [product_folder(path.parent).product for path in sorted(data_dir("datasets").glob("*/product.yaml"))]


def copy_template(template: str, product: str, folder: Path) -> Path:
    """The shipped *template* as *product* below *folder*, whole or not at all; ``UsageError`` when there is none, or one there already."""
    if not NAME.fullmatch(product):
        raise UsageError(
            "{name!r} is no name of a product, expected lower-case letters, digits, . _ and -, at most 64",
            name=product,
        )
    target = folder / product
    if target.exists():
        raise UsageError("{folder}: is there already; choose a new folder", folder=target)
    source = find_product(template, (data_dir("datasets"),))
    product_folder(source)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{product}.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        shutil.copytree(source, aside)
        text = (aside / "product.yaml").read_text(encoding="utf-8")
        write_atomically(aside / "product.yaml", IN_YAML.sub(f"product: {product}", text, count=1))
        aside.replace(target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return target
