"""The one page about a data product that the district counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from factory_kit.i18n import Language
from factory_kit.model.product import DataProduct
from factory_kit.model.site import Plant
from factory_kit.pack.record import AHEAD_DAYS, Event, current, days_left, renewal_ahead, renewal_due
from factory_kit.render.document import Callout, Cell, Column, Document, Facts, Part, Row, Section, Table
from factory_kit.reports.shown import DASH
from factory_kit.reports.wording import wording

__all__ = ["record_page"]


def record_page(
    events: Sequence[Event],
    product: DataProduct,
    plant: Plant,
    today: date,
    language: Language,
    ahead: int = AHEAD_DAYS,
) -> Document:
    """The state of *product* after *events*, and its entries; a renewal within *ahead* days of *today* is called to mind."""
    say = wording("product_record", language)
    mine = [event for event in events if event.product == product.product]
    now = current(mine, product.product)
    assert now is not None  # noqa: S101 - a page is asked for after an entry
    pairs = (
        ("name", product.title.in_(language)), ("supplier", plant.name.in_(language)), ("credit_code", plant.credit_code), ("state", say(f"state.{now.state}")),
        ("since", now.on), ("certificate", now.certificate), ("renew_by", now.renew_by), ("machines", say(f"machines.{now.machines}")), ("agreement", now.agreement),
        ("delivery", say.listed(say(f"delivery.{way}") for way in now.delivery)), ("identifier", now.identifier), ("package", now.package_sha256),
    )  # fmt: skip
    facts = Facts("now", tuple((say(f"now.{name}"), Cell(text or DASH)) for name, text in pairs))
    due = renewal_due(now, today)
    demo = (Callout("demo", say("demo.title"), say("demo.text"), "warn"),) if now.kind == "demo" else ()
    late = (Callout("due", say("due.title"), say("due.text", day=now.renew_by), "bad"),) if due else ()
    left = days_left(now, today)
    soon = say("soon.text", day=now.renew_by, left=left) if renewal_ahead(now, today, ahead) else ""
    near = (Callout("soon", say("soon.title"), soon, "warn"),) if soon else ()
    parts: tuple[Part, ...] = (*demo, *late, *near, facts)
    names = ("when", "state", "version", "certificate", "note")
    rows = tuple(
        Row(
            tuple(
                Cell(text or DASH)
                for text in (each.on, say(f"state.{each.state}"), each.version, each.certificate, each.note)
            )
        )
        for each in mine
    )
    table = Table(
        "history", say("history.caption"), tuple(Column(name, say(f"history.{name}"), share=20) for name in names), rows
    )
    return Document(
        language=language,
        title=say("title"),
        subject=product.title.in_(language),
        sections=(Section("now", say("now.title"), parts), Section("history", say("history.title"), (table,))),
        contents_title=say("contents"),
        footer=say("footer", product=product.title.in_(language), version=now.version),
    )
