"""The folder of a package as a BagIt 1.0 bag (RFC 8493): the parts are the payload, all papers are tag files.

python-bagit declares version 0.97, so the four files are written here. SM3 digests stand in the seal's manifest: BagIt tools do not know SM3.
"""

from __future__ import annotations

from pathlib import Path

from factory_kit.files import write_atomically
from factory_kit.pack.build import Built
from factory_kit.pack.digests import file_sha256

__all__ = ["write_bag"]

NAMES = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")


def write_bag(built: Built) -> None:
    """Make the folder of *built* a bag; nothing may be added to it afterwards but the seal."""
    folder, product = built.folder, built.template.product
    payload = sorted(path for path in (folder / "data").rglob("*") if path.is_file())
    info = {
        "Source-Organization": built.site.plant.name.zh,
        "External-Description": product.title.zh,
        "External-Identifier": product.identifier or f"{product.product} {product.version}",
        "Bagging-Date": built.built_on.isoformat(),
        "Payload-Oxum": f"{sum(path.stat().st_size for path in payload)}.{len(payload)}",
        "Bag-Software-Agent": "Factory Kit",
    }
    write_atomically(folder / "bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    write_atomically(
        folder / "bag-info.txt", "".join(f"{name}: {' '.join(text.split())}\n" for name, text in info.items())
    )
    write_atomically(folder / "manifest-sha256.txt", _listed(folder, payload))
    tags = sorted(
        path for path in folder.rglob("*") if path.is_file() and path not in payload and path.name != NAMES[-1]
    )
    write_atomically(folder / NAMES[-1], _listed(folder, tags))


def _listed(folder: Path, paths: list[Path]) -> str:
    return "".join(f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths)
