"""The folder of a district: campaign, reporting units, trusted keys, bundles that never change, and the ledger of receipts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory_kit.district.definitions import Campaign, Units
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.files import write_atomically
from factory_kit.load.checked import yaml_file
from factory_kit.load.maturity import find_model, maturity_model
from factory_kit.seal.chain import Link, read_chain
from factory_kit.seal.ring import KeyRing

__all__ = ["Office", "begin_office"]

TEMPLATE = Path(__file__).resolve().parent / "new_district"
MODEL = ("gbt-39116", "2020")


@dataclass(frozen=True)
class Office:
    """The folder of one campaign of one district."""

    path: Path

    @classmethod
    def at(cls, folder: Path) -> Office:
        """The district's folder at *folder*; ``UsageError`` when there is none."""
        if not (folder / "campaign.yaml").is_file():
            raise UsageError(
                "{folder}: is no folder of a district (no campaign.yaml); make one with factory-kit district init {folder}",
                folder=folder,
            )
        return cls(folder)

    @property
    def ledger_file(self) -> Path:
        """The chain of receipts."""
        return self.path / "ledger.jsonl"

    @property
    def bundles_folder(self) -> Path:
        """Accepted bundles, named by the sha256 of the file."""
        return self.path / "bundles"

    @property
    def receipts_folder(self) -> Path:
        """Receipts to hand back."""
        return self.path / "receipts"

    def campaign(self) -> Campaign:
        """What was asked for; ``DefinitionError`` with all mistakes."""
        return yaml_file(self.path / "campaign.yaml", Campaign, "campaign.yaml")

    def units(self) -> Units:
        """The reporting units; ``DefinitionError`` with all mistakes."""
        return yaml_file(self.path / "units.yaml", Units, "units.yaml")

    def keys(self) -> KeyRing:
        """The keys the district trusts."""
        return KeyRing.read(self.path / "keys")

    def ledger(self) -> Iterator[Link]:
        """The receipts in order; ``Altered`` at the first that does not hold."""
        return read_chain(self.ledger_file) if self.ledger_file.exists() else iter(())


def begin_office(folder: Path, assessments: Sequence[Path]) -> Office:
    """A new district's folder for a demo campaign; the model's hash comes from the first of *assessments* that has it."""
    if (folder / "campaign.yaml").exists():
        raise UsageError("{folder}: already holds a campaign.yaml; nothing was changed", folder=folder)
    source = find_model(*MODEL, assessments)
    if source is None:
        raise UsageError("{model}: there is no such model edition", model="@".join(MODEL))
    office = Office(folder)
    for each in (office.bundles_folder, office.receipts_folder, folder / "keys"):
        each.mkdir(parents=True, exist_ok=True)
    text = (TEMPLATE / "campaign.yaml").read_text(encoding="utf-8")
    write_atomically(folder / "units.yaml", (TEMPLATE / "units.yaml").read_bytes())
    write_atomically(folder / "campaign.yaml", text.replace("@@sha256@@", maturity_model(source).sha256))
    _check(office)
    return office


def _check(office: Office) -> None:
    try:
        office.campaign()
        office.units()
    except DefinitionError:
        (office.path / "campaign.yaml").unlink()
        raise
