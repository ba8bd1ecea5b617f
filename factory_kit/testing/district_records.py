"""A synthetic district as its ledger and registers show it: for statistics and publication at any size, without bundles."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_kit.district.office import Office
from factory_kit.district.register import keep_edition
from factory_kit.model.credit_code import ALPHABET, check_sign
from factory_kit.seal.chain import open_chain
from factory_kit.testing.chance import stream

__all__ = ["FictionalDistrict", "write_district"]

DOMAINS = (
    "PS",
    "PK",
    "TD",
    "TI",
    "TS",
    "RE",
    "RN",
    "MD1",
    "MD2",
    "MP1",
    "MP2",
    "MP3",
    "MP4",
    "MP5",
    "MP6",
    "MP7",
    "ML",
    "MS",
    "MV1",
    "MV2",
)
STREETS = (
    "310117105",
    "310117106",
    "310117104",
    "310117121",
    "310117102",
    "310117107",
    "310117004",
    "310117109",
    "310117120",
)
CLASSES = ("3484", "3971", "3670", "2929", "1499", "3581", "3392", "4014")
SIZES = ("large", "medium", "small", "micro")
THRESHOLDS = ("0.8", "1.8", "2.8", "3.8", "4.8")
MODEL = {"id": "gbt-39116", "edition": "2020"}
BATCH = 2_000
HASTY = 7
"""The number of the provider whose people stay a day where others stay three."""
NONE = ("", "")
MARKS = {
    "sme-digital@2024": (NONE, ("一级", "Level 1"), ("二级", "Level 2"), ("三级", "Level 3"), ("四级", "Level 4")),
    "smart-factory@2025": (
        NONE,
        ("基础级", "Basic"),
        ("先进级", "Advanced"),
        ("卓越级", "Excellent"),
        ("领航级", "Leading"),
    ),
}


@dataclass(frozen=True)
class FictionalDistrict:
    """How many plants there are, how many were assessed, and by which campaign."""

    plants: int
    assessed: int
    campaign: str = "digital-diagnosis"
    seed: int = 1
    shift: float = 0.0
    """How much better they are than the seed says: a later campaign."""
    verified: bool = False
    """Whether the model was compared with its standard."""


def write_district(office: Office, district: FictionalDistrict, aside: Path) -> None:
    """Register and ledger of *district* in *office*; *aside* is where the sheet of the register is kept."""
    rows = [_plant(district, number) for number in range(district.plants)]
    aside.write_text("the register of a fictional district", encoding="utf-8")
    keep_edition(office.registers().folder, "plants", rows, aside, _clock)
    with open_chain(office.ledger_file) as chain:
        some: list[Mapping[str, Any]] = []
        for record in _records(district, rows):
            some.append(record)
            if len(some) == BATCH:
                chain.append_all(some)
                some = []
        chain.append_all(some)


def _clock() -> int:
    return 1_790_000_000_000_000


def _plant(district: FictionalDistrict, number: int) -> dict[str, str]:
    chance = stream("district plant", district.seed, number)
    street = chance.choices(STREETS, [2 ** -(at / 2) for at in range(len(STREETS))])[0]
    return {
        "credit_code": _code(number), "site_no": "01", "name": f"示例厂 {number:06d}", "street": street, "above_scale": "yes",
        "industry": chance.choice(CLASSES), "size": chance.choices(SIZES, (1, 4, 10, 3))[0],
        "mu": str(chance.randint(5, 200)), "energy_tce": str(chance.randint(50, 9000)), "output_10k": str(chance.randint(2000, 90000)),
    }  # fmt: skip


def _code(number: int) -> str:
    signs, rest = "", number
    for _ in range(8):
        rest, at = divmod(rest, len(ALPHABET))
        signs = ALPHABET[at] + signs
    body = f"91310117{signs}X"
    return body + check_sign(body)


def _records(district: FictionalDistrict, rows: list[dict[str, str]]) -> Iterator[Mapping[str, Any]]:
    for number, row in enumerate(rows[: district.assessed]):
        chance = stream("district assessment", district.seed, number)
        skill = min(0.98, max(0.02, chance.betavariate(2, 3) + district.shift))
        total = f"{skill * 5:.2f}"
        level = sum(float(total) >= float(each) for each in THRESHOLDS)
        yield {
            "form": 1, "campaign": district.campaign, "file": f"{number}.zip", "sha256": _hash(district, number, "f"),
            "content": _hash(district, number, "c"), "received": "2026-09-21T00:00:00Z", "outcome": "accepted", "rulings": [],
            "assessment": _hash(district, number, "a")[:16], "plant": {"credit_code": row["credit_code"], "site_no": "01", "zh": row["name"], "en": row["name"]},
            "industry": {"code": row["industry"], "edition": "GB/T 4754-2017"}, "units": [row["street"]], "model": MODEL,
            "type": "provider", "period": {"start": "2026-09-01", "end": "2026-09-30"}, "provider": f"服务商 {number % 12:02d}",
            "provider_code": "", "supersedes": "", "level": level, "floor": max(0, level - 1), "total": total, "open": 0,
            "next_at": next((each for each in THRESHOLDS if float(each) > float(total)), ""),
            "answers": _hash(district, number, "v"), "documents": [], "domains": _domains(chance, skill), "verified": district.verified,
            "on_site": [f"2026-09-{day + 1:02d}" for day in range(1 if number % 12 == HASTY else 3)],
            "ladders": [_stands("sme-digital@2024", min(4, level + number % 2)), _stands("smart-factory@2025", max(0, level - 2))],
            "scenes": [f"SC25.{at:02d}" for at in range(1, level + number % 3)],
        }  # fmt: skip


def _stands(ladder: str, level: int) -> dict[str, Any]:
    zh, en = MARKS[ladder][level]
    return {
        "ladder": ladder, "level": level, "proven": max(0, level - 1), "at_best": min(4, level + 1), "verified": False, "zh": zh, "en": en,
    }  # fmt: skip


def _domains(chance: random.Random, skill: float) -> dict[str, str]:
    return {node: f"{min(1.0, max(0.0, chance.gauss(skill, 0.1))):.4f}" for node in DOMAINS}


def _hash(district: FictionalDistrict, number: int, what: str) -> str:
    return f"{stream(what, district.campaign, district.seed, number).getrandbits(256):064x}"
