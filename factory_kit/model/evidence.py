"""Evidence records of machine data: what an indicator measured, from which samples, and how sure the figure is.

A record is canonical JSON (RFC 8785): equal records have equal bytes, and the sha256 of the bytes is the record's id.
Figures are decimal text, because JSON numbers lose digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cached_property, lru_cache
from math import ceil, floor
from typing import Any, Literal, TypeAlias, get_args

from factory_kit.errors import AssessmentError
from factory_kit.model.canonical_json import NotCanonical, canonical_bytes, parsed_canonical
from factory_kit.model.definition import exact
from factory_kit.model.evidence_form import quick_form

__all__ = [
    "PLANT",
    "Engine",
    "Evidence",
    "FileUsed",
    "IndicatorUsed",
    "Json",
    "Outcome",
    "PointUsed",
    "decimal_text",
    "exact_text",
]

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Outcome = Literal["value", "inconclusive", "not applicable"]
OUTCOMES = get_args(Outcome)
PLANT = "plant"
"""The subject of a record that speaks of the whole plant; any other subject is the id of a piece of equipment."""


def decimal_text(number: Fraction, rounding: Literal["nearest", "down", "up"] = "nearest", places: int = 6) -> str:
    """*number* with at most *places* decimals, halves to even; *down* and *up* keep a bound a bound."""
    scaled = number * 10**places
    whole = floor(scaled) if rounding == "down" else ceil(scaled) if rounding == "up" else round(scaled)
    return exact_text(Fraction(whole, 10**places))


def exact_text(number: Fraction) -> str:
    """*number* with all its digits; ``ValueError`` when they do not end."""
    places = number.denominator.bit_length()  # 2^a 5^b needs max(a, b) decimals, which is no more
    scaled = number * 10**places
    if scaled.denominator != 1:
        raise ValueError(f"{number} has no end as a decimal")
    digits = f"{abs(scaled.numerator):0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return f"-{text}" if number < 0 else text


@dataclass(frozen=True, slots=True)
class IndicatorUsed:
    """The indicator that made a record: its id, revision, and the sha256 of its SQL file as it stood."""

    id: str
    rev: int
    sql_sha256: str


@dataclass(frozen=True, slots=True, order=True)
class PointUsed:
    """A point the figure was computed from."""

    equipment: str
    point: str
    role: str


@dataclass(frozen=True, slots=True, order=True)
class FileUsed:
    """A file of the store that was read."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Engine:
    """The software that computed the figure."""

    factory_kit: str
    duckdb: str


@dataclass(frozen=True)
class Evidence:
    """One figure of one subject over whole local days; figures are decimal text, times ISO 8601 with the plant's offset.

    ``value`` is ``numerator`` / ``denominator`` over the known part; ``lower`` and ``upper`` hold whatever the unknown part
    was; ``coverage`` is the known share. All are None where the outcome is not a value, except what is known anyway.
    """

    indicator: IndicatorUsed
    subject: str
    unit: str
    outcome: Outcome
    reason: str | None
    """Why there is no value: an English sentence of ``factory_kit.kpi.reasons``, translated where it is shown."""
    value: str | None
    lower: str | None
    upper: str | None
    numerator: str | None
    denominator: str | None
    coverage: str | None
    points: tuple[PointUsed, ...]
    start: str
    end: str
    blocks: int
    """Whole local days."""
    ledger: int
    """Pieces of equipment in the ledger that the indicator counts: the denominator nobody measures."""
    origin: tuple[str, ...]
    files: tuple[FileUsed, ...]
    engine: Engine
    received: str
    details: Mapping[str, Json] = field(default_factory=dict)
    form: int = 1
    kind: Literal["machine"] = "machine"
    grade: Literal["A"] = "A"

    def __post_init__(self) -> None:
        """Refuse a record that says two things at once."""
        if self.outcome not in OUTCOMES:
            raise AssessmentError(
                "evidence: outcome is {outcome!r}, expected one of {expected}",
                outcome=self.outcome,
                expected=", ".join(OUTCOMES),
            )
        if (self.outcome == "value") != (self.value is not None) or (self.outcome == "value") != (self.reason is None):
            raise AssessmentError(
                "evidence: a value stands without a reason, and no value needs one; make the record again"
            )

    def as_json(self) -> dict[str, Json]:
        """The record as JSON values."""
        return {
            "form": self.form,
            "kind": self.kind,
            "grade": self.grade,
            "indicator": _object(self.indicator),
            "subject": self.subject,
            "unit": self.unit,
            "outcome": self.outcome,
            "reason": self.reason,
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "coverage": self.coverage,
            "points": [_object(point) for point in self.points],
            "interval": {"from": self.start, "to": self.end},
            "blocks": self.blocks,
            "ledger": {"count": self.ledger},
            "origin": list(self.origin),
            "files": [_object(file) for file in self.files],
            "engine": _object(self.engine),
            "received": self.received,
            "details": dict(self.details),
        }

    def canonical(self) -> bytes:
        """The bytes of the record; its id is their sha256."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        return canonical_bytes(self.as_json())

    @cached_property
    def id(self) -> str:
        """The sha256 of the canonical bytes, in hexadecimal digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @property
    def file_name(self) -> str:
        """``<indicator>-<subject>-<first 12 digits of the id>.json``."""
        return f"{self.indicator.id}-{self.subject}-{self.id[:12]}.json"

    @property
    def exact_value(self) -> Fraction | None:
        """``numerator`` / ``denominator`` without rounding, None where there is no value."""
        if self.value is None or self.numerator is None or self.denominator is None:
            return None
        return exact(self.numerator) / exact(self.denominator)

    @classmethod
    def read(cls, data: bytes, where: str) -> Evidence:
        """The record whose canonical bytes *data* are; ``AssessmentError`` naming *where* for anything else."""
        try:
            content = quick_form(data)
            record = _from_json(parsed_canonical(data)) if content is None else _from_form(content)
            _check_figures(record)
        except NotCanonical as error:
            raise AssessmentError(
                "{file}: is not written as evidence records are (RFC 8785), so it was changed afterwards; compute it again",
                file=where,
            ) from error
        except (ArithmeticError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AssessmentError(
                "{file}: is no evidence record of form 1 ({reason}); compute it again",
                file=where,
                reason=f"{type(error).__name__}: {error}",
            ) from error
        record.__dict__["_bytes"] = data
        return record


def _object(part: IndicatorUsed | PointUsed | FileUsed | Engine) -> dict[str, Json]:
    return {name: getattr(part, name) for name in part.__slots__}


def _from_json(content: dict[str, Any]) -> Evidence:
    if content["form"] != 1 or content["kind"] != "machine":
        raise ValueError("form and kind are not those of a machine record")
    interval, ledger = content["interval"], content["ledger"]
    lists = [content[name] for name in ("points", "files", "origin")]
    if content.keys() != KEYS or interval.keys() != {"from", "to"} or ledger.keys() != {"count"}:
        raise ValueError("it has other keys than a machine record")
    if not all(isinstance(each, list) for each in lists):
        raise ValueError("points, files and origin are lists")
    points, files, origin = lists
    return Evidence(
        **{name: content[name] for name in PLAIN},
        indicator=IndicatorUsed(**content["indicator"]),
        points=tuple(PointUsed(**point) for point in points),
        files=tuple(FileUsed(**file) for file in files),
        engine=Engine(**content["engine"]),
        origin=tuple(origin),
        ledger=ledger["count"],
        start=interval["from"],
        end=interval["to"],
    )


def _from_form(content: dict[str, Any]) -> Evidence:
    """The record of a *content* of which everything is known but that the figures fit; its parts are shared with others."""
    interval, engine, indicator = content.pop("interval"), content["engine"], content["indicator"]
    record = object.__new__(Evidence)
    vars(record).update(
        content,
        indicator=_indicator(indicator["id"], indicator["rev"], indicator["sql_sha256"]),
        points=tuple([_point(each["equipment"], each["point"], each["role"]) for each in content["points"]]),
        files=tuple([_file(each["path"], each["rows"], each["sha256"]) for each in content["files"]]),
        engine=_engine(engine["factory_kit"], engine["duckdb"]),
        origin=tuple(content["origin"]),
        ledger=content["ledger"]["count"],
        start=interval["from"],
        end=interval["to"],
    )
    record.__post_init__()
    return record


_point = lru_cache(maxsize=8192)(PointUsed)
_file = lru_cache(maxsize=8192)(FileUsed)
_indicator = lru_cache(maxsize=512)(IndicatorUsed)
_engine = lru_cache(maxsize=64)(Engine)
"""The records of a plant name the same points and files again and again."""


def _check_figures(record: Evidence) -> None:
    """``ValueError`` and its like for figures and moments nobody can compute with; a moment without a zone is none."""
    for text in (record.lower, record.upper, record.numerator, record.denominator, record.coverage, record.value):
        if text is not None:
            exact(text)
    if record.exact_value is None and record.value is not None:
        raise ValueError("a value needs its numerator and denominator")
    for text in (record.start, record.end, record.received):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not 1970 <= moment.year <= LAST_YEAR:
            raise ValueError(text)
    words = (record.subject, record.unit, record.indicator.id, *record.origin)
    if not all(isinstance(word, str) for word in words) or not isinstance(record.details, dict):
        raise ValueError("subject, unit, indicator and origin are texts, details an object")


LAST_YEAR = 9998
PLAIN = (
    "subject", "unit", "outcome", "reason", "value", "lower", "upper", "numerator", "denominator", "coverage",
    "blocks", "received", "details", "form", "kind", "grade",
)  # fmt: skip
"""Keys of a record that are attributes of the same name."""
KEYS = {*PLAIN, "indicator", "points", "interval", "ledger", "origin", "files", "engine"}
