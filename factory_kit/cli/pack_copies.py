"""``pack release`` and ``pack trace``: copies for one recipient each, and whose copy leaked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, PublisherKey, SignerOfPlant, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_kit.pack.release import Recipient

__all__ = ["register"]

PackageFile = Annotated[Path, typer.Argument(metavar="PACKAGE.zip", help=N_("The package as pack build sealed it."))]

LEAST_SAID = 1e-300
"""The smallest bound that is told; below it a number of the computer is 0, and no bound is."""


def register(group: typer.Typer) -> None:
    """The commands of this module join the group ``pack``."""
    group.command(
        "release",
        help=N_(
            "Make the copy of a package for one recipient, with marks that name them.\n\n"
            "Example: factory-kit pack release spindle.zip --to 某某科技 --out spindle-for-them.zip"
        ),
    )(release)
    group.command(
        "trace",
        help=N_(
            "Tell whose copy a leaked file is: Parquet, CSV, or a whole package.\n\nExample: factory-kit pack trace leaked.csv --of spindle.zip"
        ),
    )(trace)


def release(
    package: PackageFile,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help=N_("Who gets this copy."))],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help=N_("The sealed file to write."))],
    key: PublisherKey = None,
    signer: SignerOfPlant = "",
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pack_asked import asked_product
    from factory_kit.cli.progress import working
    from factory_kit.reports.product import release_package
    from factory_kit.seal.verify import open_sealed

    product = str(open_sealed(package).about.get("product", ""))
    with asked_product(workspace, product, key, signer) as asked, working(_("the copy is marked and sealed")):
        made = release_package(
            package, asked.template, asked.site, out, recipient=to, key_file=asked.key_file, signers=asked.signers, clock=now
        )  # fmt: skip
    success(_("{file}: {rows} rows, marked for {recipient} and sealed.").format(file=out, rows=made.rows, recipient=to))
    note(_("Keep {package}: a copy is traced by comparing it with the unmarked original.").format(package=package))


def trace(
    leaked: Annotated[Path, typer.Argument(metavar="FILE", help=N_("What was found: Parquet, CSV, or a package."))],
    of: Annotated[Path, typer.Option("--of", metavar="PACKAGE.zip", help=N_("The unmarked package it came from."))],
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    import tempfile

    from factory_kit.cli.console import fail, note, print_json, success
    from factory_kit.load.product import find_product, product_folder
    from factory_kit.load.workspace import Workspace
    from factory_kit.pack.pseudonyms import plant_key
    from factory_kit.pack.release import REGISTER, read_recipients
    from factory_kit.pack.tracing import trace_file
    from factory_kit.seal.digest import digest_file
    from factory_kit.seal.sealing import unpack
    from factory_kit.shipped import search_path

    place = Workspace.at(workspace)
    keys = place.root / "keys"
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside:
        sealed = unpack(of, Path(aside) / "original")
        product = str(sealed.about.get("product", ""))
        template = product_folder(find_product(product, search_path("datasets", place.root)))
        parts = sorted((Path(aside) / "original" / "data").glob("*.parquet"))
        known = read_recipients(keys / REGISTER)
        original = digest_file(of).sha256
        _require_copies(of, original, known)
        found = trace_file(leaked, parts, template, known, plant_key(keys / "pseudonyms.key"), original)
    named = [each for each in found if each.names(len(found))]
    if as_json:
        print_json([{**vars(each), "named": each in named} for each in found])
    for each in [] if as_json else named:
        said = _("{recipient}: these are the marks of this copy (p ≤ {p:.1e}, {windows} windows).")
        success(said.format(recipient=each.recipient, p=max(each.p_value, LEAST_SAID), windows=each.windows))
    if not named:
        if not as_json:
            fail(_("Nobody can be named: {count} copies were compared.").format(count=len(found)))
        raise typer.Exit(1)
    if not as_json:
        note(_("This says which copy the file comes from, not who passed it on."))


def _require_copies(package: Path, sha256: str, known: Sequence[Recipient]) -> None:
    """``UsageError`` where no copy was released from *package*: there is nobody to compare with."""
    from factory_kit.errors import UsageError

    if any(each.package_sha256 == sha256 for each in known):
        return
    raise UsageError(
        "{file}: no copy was released from this file in this workspace; --of takes the unmarked package that pack release was given",
        file=package.name,
    )
