"""Nothing is sent to a plant that has not allowed it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from factory_kit.errors import NotAuthorised
from factory_kit.model.site import DEPRECATED, OpcUaServer, Server, Site

__all__ = ["in_the_open", "require_authorisation"]


def require_authorisation(site: Site, addresses: Iterable[str], today: date) -> str:
    """Who allowed reading all *addresses* on *today*, as the run records it; ``NotAuthorised`` when nobody did."""
    record = site.authorisation
    if record is None:
        raise NotAuthorised(
            "site.yaml: has no authorisation record, so nothing is read; write down who allowed reading which addresses until when"
        )
    if not record.granted_on <= today <= record.valid_until:
        raise NotAuthorised(
            "site.yaml: the authorisation {reference} is valid from {since} to {until}, today is {today}; ask the plant to renew it",
            reference=record.reference,
            since=record.granted_on,
            until=record.valid_until,
            today=today,
        )
    missing = sorted(set(addresses) - set(record.addresses))
    if missing:
        raise NotAuthorised(
            "site.yaml: the authorisation {reference} does not cover {addresses}; ask the plant, then add them",
            reference=record.reference,
            addresses=", ".join(missing),
        )
    return f"{record.reference} ({record.granted_by}, {record.granted_on} – {record.valid_until})"


def in_the_open(servers: Mapping[str, Server]) -> str:
    """What the record of a run adds about servers that are spoken to without encryption, or by deprecated policies; else nothing."""
    plain = sorted(name for name, each in servers.items() if isinstance(each, OpcUaServer) and each.security == "None")
    old = sorted(
        name for name, each in servers.items() if isinstance(each, OpcUaServer) and each.security in DEPRECATED
    )
    said = [f"without encryption: {', '.join(plain)}"] if plain else []
    said += [f"by a deprecated policy: {', '.join(old)}"] if old else []
    return "".join(f"; {each}" for each in said)
