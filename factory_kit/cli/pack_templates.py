"""``pack new``, ``pack check`` and the SM2 signature beside a package: what comes before a build, and after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.assess_sm2 import sign_sm2, verify_sm2
from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["register"]

NewName = Annotated[
    str, typer.Argument(metavar="[PRODUCT]", help=N_("Name of the new product; without it the templates are listed."))
]
ProductOrFolder = Annotated[
    str, typer.Argument(metavar="PRODUCT", help=N_("Name of the data product, or the folder it is defined in."))
]


def register(group: typer.Typer) -> None:
    """The commands of this module join the group ``pack``."""
    group.command(
        "new",
        help=N_(
            "Copy a template into the workspace, to be edited there.\n\nExample: factory-kit pack new our-energy --template energy-hourly -w my-plant"
        ),
    )(new)
    group.command(
        "check",
        help=N_(
            "Find every mistake of a data product before anything is built, with file and line.\n\nExample: factory-kit pack check energy-hourly"
        ),
    )(check)
    group.command(
        "sign-sm2",
        help=N_(
            "Sign a package with SM2 as well, in a file beside it; by the command of OpenSSL 3.\n\n"
            "Example: factory-kit pack sign-sm2 energy.zip --key sm2.pem --signer 某某机械"
        ),
    )(sign_sm2)
    group.command(
        "verify-sm2",
        help=N_(
            "Check the SM2 signature beside a package.\n\nExample: factory-kit pack verify-sm2 energy.zip --key sm2.pub.pem"
        ),
    )(verify_sm2)


def new(
    product: NewName = "",
    template: Annotated[
        str, typer.Option("--template", metavar="NAME", help=N_("The template; by default the one called PRODUCT."))
    ] = "",
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.errors import UsageError
    from factory_kit.load.workspace import Workspace
    from factory_kit.pack.templates import copy_template, templates

    if not product:
        _list(workspace)
        return
    if not template and product not in {each.product for each in templates()}:
        raise UsageError(
            "{product}: which template is it to be made from? Name it with --template; factory-kit pack new lists them",
            product=product,
        )
    place = Workspace.at(workspace)
    target = copy_template(template or product, product, place.root / "datasets")
    success(
        _("{folder}: copied; edit it, then run factory-kit pack check {product}.").format(
            folder=target, product=product
        )
    )
    note(_("The grading is a proposal: answer the questions under impacts, and build with --graded-by."))


def _list(workspace: Path) -> None:
    """The templates, and what the store of the workspace has for each."""
    from factory_kit.cli.console import note, print_table
    from factory_kit.i18n import language
    from factory_kit.pack.templates import templates

    there = _roles(workspace)
    columns = [_("Template"), _("What it is"), _("Roles of the points it is made from")]
    rows = [[each.product, each.title.in_(language()), ", ".join(each.roles)] for each in templates()]
    if there is not None:
        columns.append(_("This store lacks"))
        for row, each in zip(rows, templates(), strict=True):
            lacking = [role for role in each.roles if role not in there]
            row.append(", ".join(lacking) or _("nothing"))
    print_table(columns, rows)
    note(_("Next: factory-kit pack new NAME --template TEMPLATE"))


def _roles(workspace: Path) -> set[str] | None:
    """Roles of the points in the store of *workspace*; None where there is no workspace or store."""
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    if not (workspace / "site.yaml").is_file() or not Workspace.at(workspace).store_folder.is_dir():
        return None
    with Store(Workspace.at(workspace).store_folder).connect() as con:
        return {
            str(role) for (role,) in con.execute("SELECT DISTINCT role FROM points WHERE role IS NOT NULL").fetchall()
        }


def check(product: ProductOrFolder, workspace: WorkspaceFolder = Path()) -> None:
    from factory_kit.cli.console import success
    from factory_kit.cli.pack_asked import key_file, product_place
    from factory_kit.errors import DefinitionError
    from factory_kit.load.workspace import Workspace
    from factory_kit.pack.check import product_problems
    from factory_kit.pack.pseudonyms import plant_key

    folder, key = Path(product), None
    if not (folder / "product.yaml").is_file():
        place, folder = product_place(workspace, product)
    else:
        place = Workspace(workspace.resolve())
    if key_file(place).is_file():
        key = plant_key(key_file(place))
    problems = product_problems(folder, key)
    if problems:
        raise DefinitionError(problems)
    success(_("{product}: its files agree with one another.").format(product=folder.name))
