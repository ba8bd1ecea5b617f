"""First acquaintance with an OPC UA server: what it offers, and which certificate is to be pinned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from factory_kit.collect.authorise import require_authorisation
from factory_kit.collect.findings import Finding, security_findings
from factory_kit.collect.requestlog import RequestLog
from factory_kit.collect.wanted import asked_server
from factory_kit.drivers.base import Context
from factory_kit.drivers.opcua.security import CertificateFacts, certificate_facts, fingerprint, pin
from factory_kit.drivers.opcua.session import ask_offers
from factory_kit.errors import DeviceRefused, UsageError
from factory_kit.model.site import OpcUaServer, Site

__all__ = ["Acquaintance", "acquaint", "trust_server"]


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What a server says before anybody trusts it: policy and mode of each offer, its certificate (DER) with fingerprint, and what is weak."""

    server: OpcUaServer
    address: str
    offers: tuple[tuple[str, str], ...]
    certificate: bytes
    fingerprint: str
    facts: CertificateFacts | None
    findings: tuple[Finding, ...]


def acquaint(site: Site, name: str, *, now: Callable[[], int], request_log: Path) -> Acquaintance:
    """What the OPC UA server *name* of *site*, or the one at the URL *name*, offers, asked without a session.

    ``NotAuthorised`` before anything is sent; ``DeviceRefused`` when the server shows no certificate, or several.
    """
    server = asked_server(site, name)[1]
    today = datetime.fromtimestamp(now() / 1e6, ZoneInfo(site.plant.timezone)).date()
    require_authorisation(site, [server.address], today)
    log = RequestLog(request_log, f"trust-{datetime.fromtimestamp(now() / 1e6, UTC):%Y%m%dT%H%M%SZ}", now)
    try:
        offers = asyncio.run(ask_offers(server, Context(now, log.count)))
    finally:
        log.flush()
    certificates = {offer.certificate for offer in offers if offer.certificate}
    if not certificates:
        raise DeviceRefused(
            "{address}: shows no certificate, so there is nothing to trust; with security: None in site.yaml it is read in the open, if the plant agrees",
            address=server.address,
        )
    if len(certificates) != 1:
        raise DeviceRefused(
            "{address}: shows {count} certificates, expected one; ask the plant which is right",
            address=server.address,
            count=len(certificates),
        )
    certificate = certificates.pop()
    return Acquaintance(
        server,
        server.address,
        tuple(sorted({(offer.policy, offer.mode) for offer in offers})),
        certificate,
        fingerprint(certificate),
        certificate_facts(certificate),
        tuple(security_findings(offers, now())),
    )


def trust_server(found: Acquaintance, accepted: str, folder: Path) -> None:
    """Pin the certificate in *found*; ``UsageError`` unless *accepted* is its fingerprint as somebody read it at the machine."""
    if _digits(accepted) != _digits(found.fingerprint):
        raise UsageError(
            "{address}: the fingerprint is {found}, not {accepted}; nothing was trusted",
            address=found.address,
            found=found.fingerprint,
            accepted=accepted,
        )
    pin(folder, found.server, found.certificate)


def _digits(text: str) -> str:
    return "".join(sign for sign in text.upper() if sign.isalnum())
