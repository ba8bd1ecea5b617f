"""An inbox of a district: sealed bundles of fictional plants, three of them bad on purpose."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import minisign

from factory_kit.assess.begin import freeze_model
from factory_kit.assess.bundle import BUNDLE, parts, roles
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored
from factory_kit.files import write_atomically
from factory_kit.load.maturity import maturity_model
from factory_kit.model.credit_code import ALPHABET, check_sign
from factory_kit.model.maturity import MaturityModel
from factory_kit.seal.canonical import canonical
from factory_kit.seal.keys import SecretKey, Signer
from factory_kit.seal.sealing import seal_files
from factory_kit.shipped import data_dir
from factory_kit.testing.chance import stream

__all__ = ["FictionalPlant", "Submission", "fictional_code", "fresh_signers", "make_inbox", "seal_plant"]

Fault = Literal["", "wrong credit code", "altered answer", "duplicate"]

UNITS = ("310117105", "310117106", "310117104", "310117121", "310117102", "310117107")
PARK = "sedz"
PROVIDERS = ("示例诊断甲", "示例诊断乙", "示例诊断丙")
TRADES = (
    ("机械", "3484"),
    ("电子", "3971"),
    ("汽配", "3670"),
    ("塑料", "2929"),
    ("食品", "1499"),
    ("医疗器械", "3581"),
)
LEVELS = (2, 1, 2, 3, 1, 2, 0, 2, 3, 1, 2, 2, 4, 1, 2, 3, 1, 2, 2)
NOTHING: Mapping[str, bytes] = {}
SCORES = {"low": ("0.5", "0.5", "0.8", "0"), "high": ("1", "1", "0.8", "1"), "none": ("0", "0", "0", "0.5")}


@dataclass(frozen=True)
class Submission:
    """One file of the inbox: what is wrong with it, if anything, and the level its answers give."""

    path: Path
    fault: Fault
    level: int


def make_inbox(folder: Path, count: int = 20, seed: int = 1, now: int = 1_790_000_000_000_000) -> list[Submission]:
    """*count* bundles in *folder*, the last three bad: a wrong credit code, an answer altered after sealing, a copy.

    Everything but the keys and their signatures follows from *seed*; *now* is when they were signed (µs, UTC).
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = data_dir("assessments") / "models" / "gbt-39116" / "2020"
    model = maturity_model(source)
    made = []
    for number in range(count - 1):
        fault: Fault = "wrong credit code" if number == count - 3 else "altered answer" if number == count - 2 else ""
        out = folder / f"plant-{number + 1:02d}.zip"
        level = seal_plant(FictionalPlant(number, seed, fault == "wrong credit code"), model, source, out, now)
        if fault == "altered answer":
            _alter(out)
        made.append(Submission(out, fault, level))
    copy = folder / f"plant-{count:02d}.zip"
    shutil.copyfile(made[0].path, copy)
    return [*made, Submission(copy, "duplicate", made[0].level)]


def fictional_code(number: int) -> str:
    """A well-formed credit code of no enterprise: registered in Songjiang, organisation ``FAKE``."""
    body = f"91310117FAKE{number:04d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    values = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(sign) for sign in body[8:])
    total = sum(value * weight for value, weight in zip(values, weights, strict=True))
    body += "0123456789X0"[11 - total % 11]
    return body + check_sign(body)


@dataclass(frozen=True)
class FictionalPlant:
    """What is made up about one plant."""

    number: int
    seed: int
    misspelt: bool

    def measure(self, folder: AssessmentFolder) -> None:
        """Put machine evidence into *folder*; a plain plant has none."""

    @property
    def chance(self) -> random.Random:
        """Its own source of chance."""
        return stream("district", self.seed, self.number)

    @property
    def level(self) -> int:
        """The level it is made for."""
        return LEVELS[self.number % len(LEVELS)]

    @property
    def code(self) -> str:
        """Its credit code."""
        code = fictional_code(1000 + self.number)
        if not self.misspelt:
            return code
        return code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 1) % len(ALPHABET)]

    def assessment(self, model: MaturityModel) -> Mapping[str, Any]:
        """The content of its ``assessment.json``."""
        trade, industry = TRADES[self.number % len(TRADES)]
        units = [UNITS[self.number % len(UNITS)]] + ([PARK] if self.number % 5 == 0 else [])
        provider = PROVIDERS[self.number % len(PROVIDERS)]
        return {
            "form": 1,
            "id": f"{stream('id', self.seed, self.number).getrandbits(64):016x}",
            "kind": "demo",
            "type": "provider",
            "model": {"id": model.structure.model, "edition": model.structure.edition, "sha256": model.sha256},
            "plant": {
                "id": f"example-{self.number + 1:02d}",
                "name": {"zh": f"示例{trade}厂 {self.number + 1:02d}", "en": f"Example plant {self.number + 1:02d}"},
                "credit_code": self.code,
                "site_no": "01",
                "type": "discrete",
                "industry": {"code": industry, "edition": "GB/T 4754-2017"},
                "timezone": "Asia/Shanghai",
            },
            "units": units,
            "period": {"start": "2026-09-01", "end": "2026-09-30"},
            "provider": {"name": provider},
            "people": [{"name": f"示例诊断员 {self.number % 7 + 1}", "role": "lead"}],
        }

    def answers(self, model: MaturityModel) -> Mapping[str, Any]:
        """The content of its ``answers.json``."""
        chance = self.chance
        given = {}
        for criterion in model.structure.criteria:
            group = "high" if criterion.level <= self.level else "low" if criterion.level == self.level + 1 else "none"
            value = SCORES[group][int(chance.random() * 4)]
            declared = chance.random() < 0.15 + 0.1 * (self.number % 3)
            evidence = [] if declared else [{"grade": "B" if chance.random() < 0.6 else "C", "note": "示例（虚构）"}]
            given[criterion.id] = {"value": value, **({"evidence": evidence} if evidence else {})}
        return {
            "form": 1,
            "model": model.structure.model,
            "edition": model.structure.edition,
            "model_sha256": model.sha256,
            "kind": "demo",
            "type": "discrete",
            "assessor": f"示例诊断员 {self.number % 7 + 1}",
            "answers": given,
        }


def seal_plant(
    plant: FictionalPlant, model: MaturityModel, source: Path, out: Path, now: int, extra: Mapping[str, bytes] = NOTHING
) -> int:
    """The bundle of *plant* at *out* with *extra* files, signed by its provider and its enterprise; gives the level."""
    about = plant.assessment(model)
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside:
        folder = AssessmentFolder(Path(aside) / "bundle")
        folder.path.mkdir()
        freeze_model(source, folder.path / "models" / model.structure.model / model.structure.edition)
        write_atomically(folder.path / "assessment.json", canonical(dict(about)))
        write_atomically(folder.path / "answers.json", canonical(dict(plant.answers(model))))
        plant.measure(folder)
        scored = read_scored(folder)
        signers = fresh_signers(about["provider"]["name"], about["plant"]["name"]["zh"], now)
        seal_files(
            {**parts(scored), **extra}, out, BUNDLE, {"assessment": about["id"], "kind": "demo"}, signers, roles(scored)
        )
        return scored.score.level


def fresh_signers(provider: str, enterprise: str, now: int) -> list[Signer]:
    """Provider and enterprise with keys that live in memory only."""
    return [
        Signer(_fresh_key(), "provider", provider, lambda: now),
        Signer(_fresh_key(), "enterprise", enterprise, lambda: now),
    ]


def _alter(path: Path) -> None:
    """Raise one answer inside the finished file."""
    data = bytearray(path.read_bytes())
    at = data.index(b'"value":"0.5"')
    data[at + 11] = ord("8")
    path.write_bytes(data)


def _fresh_key() -> SecretKey:
    """A key that lives in memory only."""
    return SecretKey(minisign.KeyPair.generate().secret_key)
