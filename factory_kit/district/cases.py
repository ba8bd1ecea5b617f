"""What the office decided after receiving: reviews, objections (异议), erasures; read from its journal, never computed twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from factory_kit.seal.chain import Link

__all__ = ["Cases", "Decision", "Erasure", "Objection", "Review", "day_of", "last_day"]

Verdict = Literal["confirmed", "returned"]
Answer = Literal["upheld", "dismissed"]


@dataclass(frozen=True, slots=True)
class Review:
    """An officer looked at an accepted submission, and let it stand or sent it back."""

    receipt: int
    verdict: Verdict
    reason: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an objection."""

    answer: Answer
    reason: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Objection:
    """Somebody does not agree with a receipt; the office answers until *due* (a day of the campaign's zone)."""

    number: int
    """That of its record in the journal."""
    receipt: int
    text: str
    by: str
    at: str
    due: str
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """A bundle that is gone; its receipt stays in the ledger, and this stands where it was."""

    receipt: int
    sha256: str
    ground: str
    reason: str
    by: str
    at: str


@dataclass
class Cases:
    """Everything the journal says, as it stands now."""

    reviews: dict[int, Review] = field(default_factory=dict)
    """By receipt; the last one counts."""
    objections: dict[int, Objection] = field(default_factory=dict)
    erasures: dict[str, Erasure] = field(default_factory=dict)
    """By the sha256 of the bundle."""
    withdrawn: set[int] = field(default_factory=set)
    """Receipts that do not count: sent back by the office, and no objection to that was upheld since."""
    senders: dict[int, str] = field(default_factory=dict)
    """By receipt who brought the file first, where it came over the pages: the name of the provider."""

    def take(self, link: Link) -> None:
        """*link* of the journal happened."""
        taken = getattr(self, f"_{link.record['event']}", None)
        if taken is not None:
            taken(link)

    def _upload(self, link: Link) -> None:
        record = link.record
        self.senders.setdefault(record["receipt"], record["provider"])

    def _review(self, link: Link) -> None:
        record = link.record
        number = record["receipt"]
        self.reviews[number] = Review(number, record["verdict"], record["reason"], record["by"], record["at"])
        if record["verdict"] == "returned":
            self.withdrawn.add(number)
        else:
            self.withdrawn.discard(number)

    def _objection(self, link: Link) -> None:
        record = link.record
        self.objections[link.n] = Objection(
            link.n, record["receipt"], record["text"], record["by"], record["at"], record["due"]
        )

    def _decision(self, link: Link) -> None:
        record = link.record
        found = self.objections[record["objection"]]
        decision = Decision(record["answer"], record["reason"], record["by"], record["at"])
        self.objections[found.number] = replace(found, decision=decision)
        if decision.answer == "upheld":
            self.withdrawn.discard(found.receipt)

    def _erasure(self, link: Link) -> None:
        record = link.record
        values: Mapping[str, Any] = {key: record[key] for key in ("receipt", "sha256", "ground", "reason", "by", "at")}
        self.erasures[record["sha256"]] = Erasure(**values)


def day_of(text: str, timezone: str) -> date:
    """The day of a moment (ISO 8601, UTC) in *timezone*."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(timezone)).date()


def last_day(text: str, days: int, timezone: str) -> date:
    """The last day of a period of *days* that begins with the moment *text*: that many whole calendar days after its own."""
    return day_of(text, timezone) + timedelta(days=days)
