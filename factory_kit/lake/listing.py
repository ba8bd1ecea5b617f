"""What of a plant lies far away: ``plant=ID/lake.json``, written last, so that what it names is there whole."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, ValidationError

from factory_kit.errors import LakeError
from factory_kit.lake.remote import Remote
from factory_kit.model.definition import Definition, Identifier
from factory_kit.store.parquet import FileKind, Sealed

__all__ = ["Listing", "Paper", "folder_of", "listing_key", "listing_of", "written"]

FORM = 1
SHA256 = r"^[0-9a-f]{64}$"
SEALED = r"^(data|rollup|latest|ledger)/([A-Za-z0-9][A-Za-z0-9=._-]*/)*[A-Za-z0-9][A-Za-z0-9=._-]*\.parquet$"
PAPER = r"^([^/\\:.\x00-\x1f][^/\\:\x00-\x1f]*/){0,3}[^/\\:.\x00-\x1f][^/\\:\x00-\x1f]*\.(yaml|jsonl)$"
LEDGERS = ("gaps", "loss")
Size = Annotated[int, Field(ge=0)]


class File(Definition):
    """A sealed file, as the manifest of its store has it."""

    path: str = Field(pattern=SEALED)
    kind: FileKind
    rows: Size
    size: Size
    sha256: str = Field(pattern=SHA256)
    first: int
    last: int
    point_from: int
    point_to: int
    schema_version: int = Field(alias="schema")
    level: int = 0
    covers: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    """Of samples: the runs that wrote them."""

    @classmethod
    def of(cls, sealed: Sealed, runs: tuple[str, ...]) -> File:
        """*sealed*, written by *runs*, as it is listed."""
        return cls.model_validate({**sealed.as_entry(), "covers": tuple(sealed.covers), "runs": runs})

    def sealed(self) -> Sealed:
        """As the store knows it."""
        return Sealed(
            self.path, self.kind, self.rows, self.size, self.sha256, self.first, self.last, self.point_from, self.point_to,
            self.schema_version, self.level, self.covers,
        )  # fmt: skip


class Paper(Definition):
    """The catalogue of the store or a definition, kept under its sha256; *path* is where it belongs in a workspace."""

    path: str = Field(pattern=PAPER)
    size: Size
    sha256: str = Field(pattern=SHA256)

    @property
    def key(self) -> str:
        """Where it lies."""
        return f"papers/{self.sha256}"


class Listing(Definition):
    """The state of a plant far away."""

    form: int = Field(ge=1, le=FORM)
    plant: Identifier
    pushed: str
    """When, ISO 8601 in UTC."""
    software: str
    papers: tuple[Paper, ...] = ()
    files: tuple[File, ...] = ()
    replaced: dict[str, int] = Field(default_factory=dict)
    """Files that were merged into others, and when (µs, UTC); they are deleted a week later, for the sake of those still reading."""

    def within(self, start: int, end: int) -> tuple[File, ...]:
        """What figures over [*start*, *end*) (µs, UTC) need: gaps, losses, and the runs that have samples there, whole.

        Whole, because the first values of a run can be older than the run, and because what a run delivered is compared with what is
        stored of it.
        """
        samples = [each for each in self.files if each.kind == "samples"]
        runs = {run for each in samples if each.last >= start and each.first < end for run in each.runs}
        return tuple(each for each in self.files if each.kind in LEDGERS or not runs.isdisjoint(each.runs))

    @property
    def paths(self) -> frozenset[str]:
        """The sealed files that count."""
        return frozenset(each.path for each in self.files)


def folder_of(plant: str) -> str:
    """The folder of *plant*, in the hive layout."""
    return f"plant={plant}"


def listing_key(plant: str) -> str:
    """Where the listing of *plant* lies."""
    return f"{folder_of(plant)}/lake.json"


def listing_of(remote: Remote, plant: str) -> tuple[Listing, str] | None:
    """What *remote* has of *plant* and the mark of that version, None when nothing; ``LakeError`` when it makes no sense."""
    found = remote.read(listing_key(plant))
    if found is None:
        return None
    place = f"{remote.name}/{listing_key(plant)}"
    try:
        listing = Listing.model_validate_json(found[0])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise LakeError(
            "{place}: {where}: makes no sense ({reason}); it was altered, or a newer version wrote it",
            place=place,
            where=where,
            reason=first["msg"],
        ) from error
    if listing.plant != plant:
        raise LakeError("{place}: belongs to plant {other}; check the address", place=place, other=listing.plant)
    return listing, found[1]


def written(listing: Listing) -> bytes:
    """*listing* as the bytes of its file."""
    entry: dict[str, Any] = listing.model_dump(mode="json", by_alias=True)
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
