"""The folder of a district: campaign, reporting units, trusted keys, bundles that never change, and the ledger of receipts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from factory_kit.district.definitions import Campaign, Targets, Units
from factory_kit.district.register import Registers
from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.load.checked import yaml_file
from factory_kit.load.maturity import find_model, maturity_model
from factory_kit.model.site import Kind
from factory_kit.seal.chain import Link, read_chain
from factory_kit.seal.ring import KeyRing, TrustedKey
from factory_kit.seal.signature import PublicKey
from factory_kit.shipped import search_path

__all__ = ["Office", "begin_office"]

DATA = Path(__file__).resolve().parent / "data"
TEMPLATE = Path(__file__).resolve().parent / "new_district"
MODEL = ("gbt-39116", "2020")
REAL = (
    ("kind: demo ", "kind: real "),
    (
        "name: {zh: 数字化诊断（演示）, en: Digital diagnosis (demonstration)}",
        "name: {zh: 数字化诊断, en: Digital diagnosis}",
    ),
)
"""What differs in the file of a real campaign."""


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

    def problems(self) -> Iterator[Problem]:
        """Every mistake in the files that people wrote here: campaign, units, targets; and models of another content."""
        for read in (self.campaign, self.units, self.targets):
            try:
                read()
            except DefinitionError as error:
                yield from error.problems
        with suppress(DefinitionError):
            yield from self._other_models(self.campaign())

    def _other_models(self, campaign: Campaign) -> Iterator[Problem]:
        for number, each in enumerate(campaign.models):
            source = find_model(each.id, each.edition, search_path("assessments"))
            if source is not None and (found := maturity_model(source).sha256) != each.sha256:
                message = N_("the model at hand has the hash {found}; bundles made with it would be returned")
                yield Problem("campaign.yaml", 0, f"models[{number}].sha256", message, {"found": found})

    def keys(self) -> KeyRing:
        """The keys the district trusts: those in the folder, and those of listed providers for as long as they are listed."""
        ring = KeyRing.read(self.path / "keys")
        listed = (row for row in self.registers().rows("providers") if row.get("public_key"))
        return KeyRing(
            {**{PublicKey(row["public_key"]).key_id: _listed(row) for row in listed}, **ring.keys}, ring.revoked
        )

    def registers(self) -> Registers:
        """Plants, providers and the other registers, newest editions."""
        return Registers(self.path / "registers")

    def targets(self) -> Targets:
        """What the district wants to reach; the shipped list where the folder has none."""
        own = self.path / "targets.yaml"
        return yaml_file(own if own.exists() else DATA / "targets.yaml", Targets, "targets.yaml")

    def campaigns(self) -> tuple[Campaign, ...]:
        """All campaigns of this district by id, each as it stood last; the one in force among them."""
        current = self.campaign()
        kept = sorted((self.path / "campaigns").glob("*.yaml"))
        found = {each.id: each for each in (yaml_file(path, Campaign, path.name) for path in kept)}
        return tuple(sorted((found | {current.id: current}).values(), key=lambda each: each.id))

    def keep_edition(self, campaign: Campaign) -> None:
        """*campaign* as it stands now, beside the earlier ones: receipts refer to it by its id."""
        content = (self.path / "campaign.yaml").read_bytes()
        folder = self.path / "campaigns"
        folder.mkdir(exist_ok=True)
        earlier = sorted(folder.glob(f"{campaign.id}@*.yaml"))
        if not earlier or earlier[-1].read_bytes() != content:
            write_atomically(folder / f"{campaign.id}@{len(earlier) + 1:03d}.yaml", content)

    def ledger(self) -> Iterator[Link]:
        """The receipts in order; ``Altered`` at the first that does not hold."""
        return read_chain(self.ledger_file) if self.ledger_file.exists() else iter(())


def _listed(row: Mapping[str, str]) -> TrustedKey:
    until = f"{row['until']}T23:59:59Z" if row.get("until") else None
    return TrustedKey(
        key=row["public_key"], holder=row["name"], roles=("provider",), since=f"{row['since']}T00:00:00Z", until=until
    )


def begin_office(folder: Path, assessments: Sequence[Path], kind: Kind = "demo") -> Office:
    """A new district's folder for a campaign of *kind*; the model's hash comes from the first of *assessments* that has it."""
    if (folder / "campaign.yaml").exists():
        raise UsageError("{folder}: already holds a campaign.yaml; nothing was changed", folder=folder)
    source = find_model(*MODEL, assessments)
    if source is None:
        raise UsageError("{model}: there is no such model edition", model="@".join(MODEL))
    office = Office(folder)
    for each in (office.bundles_folder, office.receipts_folder, folder / "keys"):
        each.mkdir(parents=True, exist_ok=True)
    text = (TEMPLATE / "campaign.yaml").read_text(encoding="utf-8")
    for demo, real in REAL if kind == "real" else ():
        text = text.replace(demo, real)
    write_atomically(folder / "units.yaml", (TEMPLATE / "units.yaml").read_bytes())
    write_atomically(folder / "targets.yaml", (DATA / "targets.yaml").read_bytes())
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
