"""What became of a product at the exchange: a file of events in the workspace, one line each, and the state they lead to.

The exchange has two libraries, 已登记 (registered) and 已挂牌 (listed, tradable), with evidence of their own; the district counts one of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from factory_kit.errors import FactoryKitError, UsageError
from factory_kit.files import write_atomically

__all__ = [
    "AHEAD_DAYS",
    "RECORDS",
    "Event",
    "Machines",
    "State",
    "add_event",
    "current",
    "days_left",
    "read_events",
    "renewal_ahead",
    "renewal_due",
]

State = Literal["draft", "registered", "listed", "withdrawn"]
Machines = Literal["owned", "leased", "mixed"]
RECORDS = "products.jsonl"
AHEAD_DAYS = 90
"""How long before the day a renewal is called to mind: an exchange takes weeks to look at the papers."""
FOLLOWS: dict[State, tuple[State, ...]] = {
    "draft": ("draft", "registered"), "registered": ("registered", "listed", "withdrawn"), "listed": ("listed", "withdrawn"), "withdrawn": ("registered",),
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One entry: the state from *on*, with the evidence for it; dates as YYYY-MM-DD, empty where there is none."""

    product: str
    version: str
    state: State
    on: str
    machines: Machines
    """Whose machines the data comes from."""
    agreement: str = ""
    """The contract that gives the data of leased machines to this enterprise."""
    certificate: str = ""
    renew_by: str = ""
    delivery: tuple[str, ...] = ()
    identifier: str = ""
    package_sha256: str = ""
    note: str = ""
    title: str = ""
    """The product's title in Chinese, for registers that have no copy of the product."""
    kind: str = "real"
    """``demo`` where the plant is a demonstration: nobody counts it."""

    def __post_init__(self) -> None:
        """Refuse what the district or the exchange would send back."""
        if self.state not in get_args(State):
            raise UsageError("{state!r} is no state, expected draft, registered, listed or withdrawn", state=self.state)
        if self.machines not in get_args(Machines):
            raise UsageError(
                "{machines!r} does not say whose machines they are, expected owned, leased or mixed",
                machines=self.machines,
            )
        if self.machines != "owned" and not self.agreement:
            raise UsageError(
                "the machines are {machines}: name the contract that gives you their data (--agreement)",
                machines=self.machines,
            )
        if self.state in ("registered", "listed") and not self.certificate:
            raise UsageError("a product that is {state} has a certificate; add --certificate NUMBER", state=self.state)
        if self.kind not in ("real", "demo"):
            raise UsageError("{kind!r} is no kind, expected real or demo", kind=self.kind)
        for text in (self.on, self.renew_by):
            _day(text)
        if self.renew_by and self.renew_by <= self.on:
            raise UsageError("the renewal ({renew}) is not after {on}", renew=self.renew_by, on=self.on)


def read_events(file: Path) -> list[Event]:
    """All entries in order; empty when there is no file."""
    if not file.exists():
        return []
    events = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            content = json.loads(line)
            events.append(Event(**(content | {"delivery": tuple(content["delivery"])})))
        except (ValueError, TypeError, KeyError, FactoryKitError) as error:
            raise FactoryKitError(
                "{file}:{line}: is no entry of a product; restore the file from a copy", file=file, line=number
            ) from error
    return events


def add_event(file: Path, event: Event) -> list[Event]:
    """*file* with *event* after the others; ``UsageError`` when it cannot follow what is there."""
    events = read_events(file)
    before = current(events, event.product)
    if before is None and event.state not in ("draft", "registered"):
        raise UsageError(
            "{product}: is not registered yet, so it cannot be {state}", product=event.product, state=event.state
        )
    if before is not None and event.state not in FOLLOWS[before.state]:
        raise UsageError(
            "{product}: is {before}; from there it cannot become {state}",
            product=event.product,
            before=before.state,
            state=event.state,
        )
    if before is not None and event.on < before.on:
        raise UsageError(
            "{product}: {on} lies before the last entry of {before}",
            product=event.product,
            on=event.on,
            before=before.on,
        )
    events.append(event)
    write_atomically(file, "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in events))
    return events


def current(events: Sequence[Event], product: str) -> Event | None:
    """The last entry of *product*."""
    return next((event for event in reversed(events) if event.product == product), None)


def renewal_due(event: Event, today: date) -> bool:
    """Whether what the certificate says has run out."""
    return bool(event.renew_by) and _day(event.renew_by) < today


def days_left(event: Event, today: date) -> int | None:
    """How many days the certificate is still good, negative when it ran out; None where nothing is to be renewed."""
    if not event.renew_by or event.state not in ("registered", "listed"):
        return None
    return (_day(event.renew_by) - today).days


def renewal_ahead(event: Event, today: date, ahead: int = AHEAD_DAYS) -> bool:
    """Whether the certificate is good today and a renewal falls due within *ahead* days."""
    left = days_left(event, today)
    return left is not None and 0 <= left <= ahead


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else date.max
    except ValueError as error:
        raise UsageError("{text!r} is not a date, expected YYYY-MM-DD", text=text) from error
