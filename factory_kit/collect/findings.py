"""What the endpoints of an OPC UA server say about its security: findings for the plant, and evidence for an assessment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from factory_kit.drivers.opcua.security import CertificateFacts, Offer, certificate_facts
from factory_kit.i18n import N_
from factory_kit.model.evidence import Json
from factory_kit.model.site import DEPRECATED

__all__ = ["Finding", "Kind", "security_findings"]

Kind = Literal[
    "none_offered", "sign_offered", "anonymous_open", "weak_policy", "password_in_the_open", "certificate_missing", "certificate_expired",
    "certificate_expiring", "certificate_weak", "certificate_uri",
]  # fmt: skip
EXPIRING_DAYS = 60
LEAST_BITS = 2048


@dataclass(frozen=True, slots=True)
class Finding:
    """One weakness; *message* is a template filled by *details*."""

    kind: Kind
    message: str
    details: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.details)

    def as_json(self) -> dict[str, Json]:
        """Kind and English sentence."""
        return {"kind": self.kind, "said": str(self)}


def security_findings(offers: Sequence[Offer], now: int) -> list[Finding]:
    """Every weakness that *offers* show on *now* (µs); what needs a login to be seen is not among them."""
    return [*_policies(offers), *_users(offers), *_certificates(offers, datetime.fromtimestamp(now / 1e6, UTC))]


def _policies(offers: Sequence[Offer]) -> Iterator[Finding]:
    if any(offer.policy == "None" for offer in offers):
        yield Finding("none_offered", N_("the server also speaks without encryption; let the plant switch that off"))
    if any(offer.mode == "Sign" and offer.policy != "None" for offer in offers):
        yield Finding(
            "sign_offered",
            N_("the server also speaks signed but not encrypted, so everybody on the line can read along"),
        )
    weak = sorted({offer.policy for offer in offers if offer.policy in DEPRECATED})
    if weak:
        yield Finding(
            "weak_policy", N_("the server offers deprecated policies: {policies}"), {"policies": ", ".join(weak)}
        )


def _users(offers: Sequence[Offer]) -> Iterator[Finding]:
    if any(kind == "Anonymous" for offer in offers for kind, _policy in offer.tokens):
        yield Finding("anonymous_open", N_("anybody may log in without a name (Anonymous)"))
    open_ = [
        offer
        for offer in offers
        for kind, policy in offer.tokens
        if kind == "UserName" and policy == "None" and offer.mode != "SignAndEncrypt"
    ]
    if open_:
        yield Finding(
            "password_in_the_open",
            N_("the server would take passwords in plain text over an open line; we never send one so"),
        )


def _certificates(offers: Sequence[Offer], today: datetime) -> Iterator[Finding]:
    certificates = {offer.certificate: offer for offer in offers if offer.certificate}
    if not certificates:
        yield Finding("certificate_missing", N_("the server shows no certificate, so nobody can tell it from another"))
    for content, offer in certificates.items():
        facts = certificate_facts(content)
        if facts is None:
            yield Finding("certificate_weak", N_("the certificate cannot be read"))
            continue
        yield from _validity(facts, today)
        yield from _strength(facts)
        if offer.application_uri and offer.application_uri not in facts.uris:
            yield Finding(
                "certificate_uri",
                N_("the certificate is made out for {uris}, the server calls itself {uri}"),
                {"uris": ", ".join(facts.uris) or "-", "uri": offer.application_uri},
            )


def _validity(facts: CertificateFacts, today: datetime) -> Iterator[Finding]:
    if not facts.begins <= today < facts.ends:
        yield Finding(
            "certificate_expired",
            N_("the certificate is valid from {begins} to {ends} only"),
            {"begins": facts.begins.date(), "ends": facts.ends.date()},
        )
    elif (facts.ends - today).days < EXPIRING_DAYS:
        yield Finding(
            "certificate_expiring",
            N_("the certificate ends on {ends}, in {days} days; let the plant renew it in time"),
            {"ends": facts.ends.date(), "days": (facts.ends - today).days},
        )


def _strength(facts: CertificateFacts) -> Iterator[Finding]:
    if facts.bits and facts.bits < LEAST_BITS:
        yield Finding("certificate_weak", N_("the key of the certificate has only {bits} bits"), {"bits": facts.bits})
    if facts.hash in {"md5", "sha1"}:
        yield Finding("certificate_weak", N_("the certificate is signed with {hash}"), {"hash": facts.hash})
