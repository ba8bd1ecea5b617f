"""What a site file that breaks no rule still lacks, and what to do next: said by ``check``, so that nobody finds out on site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from factory_kit.i18n import _
from factory_kit.model.credit_code import fault

if TYPE_CHECKING:
    from factory_kit.model.site import Site

__all__ = ["still_open"]

TEMPLATE_ID, TEMPLATE_CODE, TEMPLATE_MACHINE = "my-plant", "0" * 18, "machine-01"
SOON_DAYS = 7


def still_open(site: Site, now: int) -> list[str]:
    """Remarks on *site* as of *now* (µs UTC), the most pressing first; empty where it can be collected from."""
    today = datetime.fromtimestamp(now / 1e6, UTC).astimezone(ZoneInfo(site.plant.timezone)).date()
    return [*_left_of_template(site), *_mistyped(site), *_permission(site, today), *_unconnected(site)]


def _left_of_template(site: Site) -> Iterator[str]:
    left = {
        "plant.id": site.plant.id == TEMPLATE_ID,
        "plant.credit_code": site.plant.credit_code == TEMPLATE_CODE,
        "equipment": [each.id for each in site.equipment] == [TEMPLATE_MACHINE],
    }
    keys = [key for key, untouched in left.items() if untouched]
    if keys:
        yield _("still as init wrote it: {keys}; write what is true of this plant").format(keys=", ".join(keys))


def _mistyped(site: Site) -> Iterator[str]:
    """A code that no register would find; those of examples are made so that they can be nobody's."""
    code = site.plant.credit_code
    if site.kind == "real" and code != TEMPLATE_CODE and fault(code) is not None:
        yield _(
            "plant.credit_code: the last sign of {code} does not fit the others (GB 32100-2015); "
            "copy it from the licence, for a district takes no assessment under a wrong code"
        ).format(code=code)


def _permission(site: Site, today: date) -> Iterator[str]:
    allowed = site.authorisation
    if allowed is None:
        yield _("there is no authorisation yet: nothing can be read before who allowed it is written")
        return
    if today > allowed.valid_until:
        yield _("the authorisation ended on {day}: nothing can be read").format(day=allowed.valid_until)
    elif today < allowed.granted_on:
        yield _("the authorisation begins on {day}: nothing can be read before").format(day=allowed.granted_on)
    elif (allowed.valid_until - today).days < SOON_DAYS:
        yield _("the authorisation ends on {day}").format(day=allowed.valid_until)
    missing = [each.address for each in site.servers.values() if each.address not in allowed.addresses]
    if missing:
        yield _("not among the addresses of the authorisation: {addresses}").format(addresses=", ".join(missing))


def _unconnected(site: Site) -> Iterator[str]:
    if not any(each.connected for each in site.equipment):
        yield _(
            "no equipment can be read: give it a connector (factory-kit connectors list, or factory-kit discover) and a server"
        )
        return
    used = {each.server for each in site.equipment}
    unused = [name for name in site.servers if name not in used]
    if unused:
        yield _("no equipment is read from these servers: {servers}").format(servers=", ".join(unused))
