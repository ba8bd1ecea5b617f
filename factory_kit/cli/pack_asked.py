"""What ``pack build``, ``release`` and ``check`` begin with: the workspace, the template of the product, who signs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from factory_kit.load.product import ProductTemplate
    from factory_kit.load.workspace import Workspace
    from factory_kit.model.site import Site
    from factory_kit.seal.keys import Signer

__all__ = ["AskedProduct", "asked_product", "product_place"]


@dataclass(frozen=True)
class AskedProduct:
    """A product of a plant, ready to be made, and who signs it."""

    place: Workspace
    site: Site
    template: ProductTemplate
    signers: tuple[Signer, ...]

    @property
    def key_file(self) -> Path:
        """Where the key of the pseudonyms lies; it stays in the plant."""
        return key_file(self.place)


def key_file(place: Workspace) -> Path:
    """Where the key of the pseudonyms of *place* lies."""
    return place.root / "keys" / "pseudonyms.key"


def product_place(workspace: Path, product: str) -> tuple[Workspace, Path]:
    """The workspace, and the folder of the *product*: of that name in it, or among the shipped ones."""
    from factory_kit.load.product import find_product
    from factory_kit.load.workspace import Workspace
    from factory_kit.shipped import search_path

    place = Workspace.at(workspace)
    return place, find_product(product, search_path("datasets", place.root))


@contextmanager
def asked_product(workspace: Path, product: str, key: Path | None, signer: str) -> Iterator[AskedProduct]:
    """The *product* of the *workspace*; with *key* it is signed as *signer*, by default as the plant."""
    from factory_kit.cli.clock import now
    from factory_kit.cli.passphrase import asked_passphrase
    from factory_kit.load.product import product_folder
    from factory_kit.seal.keys import Signer, open_key

    place, folder = product_place(workspace, product)
    site, _connectors = place.site()
    template = product_folder(folder)
    with ExitStack() as stack:
        signers = []
        if key is not None:
            opened = stack.enter_context(open_key(key, asked_passphrase(key)))
            signers.append(Signer(opened, "publisher", signer or site.plant.name.zh, now))
        yield AskedProduct(place, site, template, tuple(signers))
