"""What papers for a visit say of a plant's own equipment: addresses, what stands behind them, how much is asked of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory_kit.collect.plan import ServerPlan, SitePlan, plan_site
from factory_kit.collect.preview import PlanRow, describe_plan
from factory_kit.i18n import Language
from factory_kit.model.connector import Connector
from factory_kit.model.site import ModbusServer, OpcUaServer, Site
from factory_kit.render.document import Callout, Cell, Column, Row, Table
from factory_kit.reports.wording import Wording

__all__ = ["BLANK", "ROOM", "Visit", "address_table", "demo_note"]

BLANK = "\u3000"
"""A place to write on."""
ROOM = "\u3000\n\u3000"
"""A place to write more on: two lines high where lines count."""


@dataclass(frozen=True)
class Visit:
    """One plant as its site file tells it, with all that would be read there."""

    site: Site
    plan: SitePlan
    rows: tuple[PlanRow, ...]

    @classmethod
    def of(cls, site: Site, connectors: Mapping[str, Connector]) -> Visit:
        """The visit to *site*; ``DefinitionError`` where its plan has mistakes."""
        return cls(site, plan_site(site, connectors), tuple(describe_plan(site, connectors)))

    @property
    def allowed(self) -> tuple[str, ...]:
        """The addresses of the authorisation record; none without one."""
        return self.site.authorisation.addresses if self.site.authorisation else ()

    @property
    def uncovered(self) -> tuple[str, ...]:
        """Addresses that would be read and that the record does not name."""
        return tuple(
            dict.fromkeys(each.server.address for each in self.plan.servers if each.server.address not in self.allowed)
        )


def demo_note(visit: Visit | None, say: Wording) -> tuple[Callout, ...]:
    """What a paper of the demonstration says first."""
    return (Callout("demo", say("demo.title"), say("demo.text")),) if visit and visit.site.kind == "demo" else ()


def address_table(visit: Visit | None, say: Wording, prefix: str, *, authorised: bool) -> Table:
    """Every address with what stands behind it; *authorised* adds whether the record names it. Without a plant: rows to fill in."""
    names = [("address", 22), ("protocol", 13), ("machines", 30), ("values", 9), ("load", 26)]
    names += [("authorised", 11)] if authorised else []
    columns = tuple(
        Column(name, say(f"{prefix}.{name}"), "end" if name == "values" else "start", share) for name, share in names
    )
    rows = _rows(visit, say, prefix, authorised=authorised) if visit else ()
    blank = tuple(Row(tuple(Cell(ROOM) for _ in columns)) for _ in range(0 if rows else 4))
    note = "" if rows else say(f"{prefix}.empty")
    return Table("addresses", say(f"{prefix}.caption"), columns, rows or blank, note=note)


def _rows(visit: Visit, say: Wording, prefix: str, *, authorised: bool) -> tuple[Row, ...]:
    rows = defaultdict(list)
    for row in visit.rows:
        rows[row.server].append(row)
    return tuple(_row(visit, plan, rows[plan.name], say, prefix, authorised=authorised) for plan in visit.plan.servers)


def _row(
    visit: Visit, plan: ServerPlan, rows: Sequence[PlanRow], say: Wording, prefix: str, *, authorised: bool
) -> Row:
    address, values = plan.server.address, len(plan.points)
    cells = (
        Cell(address, code=True),
        Cell(plan.server.driver),
        Cell(_machines(visit, plan, say.language)),
        Cell(str(values), number=values),
        Cell(_load(plan, rows, say, prefix)),
    )
    if not authorised:
        return Row(cells)
    covered = address in visit.allowed
    return Row((*cells, Cell(say(f"{prefix}.yes")) if covered else Cell(say(f"{prefix}.no"), "bad", strong=True)))


def _machines(visit: Visit, plan: ServerPlan, language: Language) -> str:
    behind = {point.equipment: point.unit for point in plan.points}
    listed = [
        each.name.in_(language) + (f" ({behind[each.id]})" if behind[each.id] else "")
        for each in visit.site.equipment
        if each.id in behind
    ]
    return ("、" if language == "zh" else ", ").join(listed)


def _load(plan: ServerPlan, rows: Sequence[PlanRow], say: Wording, prefix: str) -> str:
    if isinstance(plan.server, OpcUaServer):
        return say(f"{prefix}.opcua", publishing=plan.server.publishing_ms, sampling=plan.server.sampling_ms)
    if isinstance(plan.server, ModbusServer):
        rate = sum(row.requests * 1000 / row.interval_ms for row in rows)
        return say(f"{prefix}.modbus", rate=f"{rate:.1f}")
    return say(f"{prefix}.other")
