"""The evidence that a discovery leaves about the security of a server, and its proof: computed again from what it holds itself."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from factory_kit.collect.findings import Finding, Kind, security_findings
from factory_kit.drivers.opcua.security import Offer, fingerprint
from factory_kit.load.checked import checked
from factory_kit.load.document import parse_yaml
from factory_kit.model.definition import Definition, Identifier, Source, Text
from factory_kit.model.evidence import Engine, Evidence, IndicatorUsed, Json, PointUsed, decimal_text, exact_text
from factory_kit.model.securityrecord import SECURITY, Statement

__all__ = ["Asked", "Check", "checks", "computed_again", "outcomes", "security_record"]

RULES = Path(__file__).with_name("security.yaml")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Check(Definition):
    """One thing that must hold of a server, and the item of a model that it speaks for."""

    id: Identifier
    label: Text
    fails: tuple[Kind, ...]
    partly: tuple[Kind, ...] = ()
    model: str
    criterion: str


class _Rules(Definition):
    rules: Identifier
    rev: int
    checks: tuple[Check, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked (``host:port``, and its name in the site file), when (ISO 8601 with the plant's offset), with what right."""

    address: str
    name: str
    start: str
    end: str
    authorisation: str
    origin: str
    machines: int
    """Pieces of equipment that the site file reads from it."""
    software: str


@cache
def _rules() -> tuple[_Rules, str]:
    data = RULES.read_bytes()
    text = data.decode("utf-8")
    return checked(parse_yaml(text, RULES.name), _Rules), hashlib.sha256(data).hexdigest()


def checks() -> tuple[Check, ...]:
    """What is checked of a server."""
    return _rules()[0].checks


def outcomes(findings: Sequence[Finding]) -> list[tuple[Check, Fraction, tuple[str, ...]]]:
    """Every check with its score (0, 1/2, 1) and the kinds of weakness behind it."""
    kinds = list(dict.fromkeys(finding.kind for finding in findings))
    found: list[tuple[Check, Fraction, tuple[str, ...]]] = []
    for check in checks():
        failed = [kind for kind in kinds if kind in check.fails]
        partly = [kind for kind in kinds if kind in check.partly]
        score = Fraction(0) if failed else Fraction(1, 2) if partly else Fraction(1)
        found.append((check, score, (*failed, *partly)))
    return found


def security_record(offers: Sequence[Offer], asked: Asked) -> Evidence:
    """What *offers* prove: the share of the checks that hold, and in its details everything that it was computed from."""
    findings = security_findings(offers, _microseconds(asked.start))
    found = outcomes(findings)
    held = sum((score for _check, score, _because in found), Fraction(0))
    share = decimal_text(held / len(found))
    rules, sha256 = _rules()
    return Evidence(
        indicator=IndicatorUsed(SECURITY, rules.rev, sha256),
        subject=_subject(asked.address),
        unit="1",
        outcome="value",
        reason=None,
        value=share,
        lower=share,
        upper=share,
        numerator=exact_text(held),
        denominator=str(len(found)),
        coverage="1",
        points=(PointUsed(asked.name, asked.address, "server"),),
        start=asked.start,
        end=asked.end,
        blocks=0,
        ledger=asked.machines,
        origin=(asked.origin,),
        files=(),
        engine=Engine(asked.software, ""),
        received=asked.end,
        details=_details(offers, findings, found, asked),
    )


def computed_again(record: Evidence) -> bool:
    """Whether *record* is what its own details give by the rules of today; False also where they cannot be read."""
    try:
        details: Any = record.details
        asked = Asked(
            address=details["address"],
            name=record.points[0].equipment,
            start=record.start,
            end=record.end,
            authorisation=details["authorisation"],
            origin=record.origin[0],
            machines=record.ledger,
            software=record.engine.factory_kit,
        )
        offers = [_offer(each, details["certificates"]) for each in details["endpoints"]]
        return security_record(offers, asked).canonical() == record.canonical()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError):
        return False


def _details(
    offers: Sequence[Offer],
    findings: Sequence[Finding],
    found: Sequence[tuple[Check, Fraction, tuple[str, ...]]],
    asked: Asked,
) -> dict[str, Json]:
    shown = {fingerprint(offer.certificate): offer.certificate for offer in offers if offer.certificate}
    states = [
        Statement(check.model, check.criterion, exact_text(score), because).as_json() for check, score, because in found
    ]
    return {
        "address": asked.address,
        "authorisation": asked.authorisation,
        "certificates": {sha256: b64encode(content).decode("ascii") for sha256, content in shown.items()},
        "endpoints": [endpoint(offer) for offer in offers],
        "findings": [finding.as_json() for finding in findings],
        "statements": list(states),
    }


def endpoint(offer: Offer) -> dict[str, Json]:
    """*offer* as JSON values, its certificate by its fingerprint."""
    return {
        "policy": offer.policy,
        "mode": offer.mode,
        "url": offer.url,
        "application_uri": offer.application_uri,
        "product_uri": offer.product_uri,
        "certificate_sha256": fingerprint(offer.certificate) if offer.certificate else "",
        "users": [{"kind": kind, "policy": policy} for kind, policy in offer.tokens],
    }


def _offer(said: dict[str, Any], certificates: dict[str, str]) -> Offer:
    shown = said["certificate_sha256"]
    return Offer(
        policy=said["policy"],
        mode=said["mode"],
        certificate=b64decode(certificates[shown], validate=True) if shown else b"",
        product_uri=said["product_uri"],
        application_uri=said["application_uri"],
        url=said["url"],
        tokens=tuple((each["kind"], each["policy"]) for each in said["users"]),
    )


def _microseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - EPOCH) // MICROSECOND


def _subject(address: str) -> str:
    """*address* as part of the name of a file."""
    return "".join(sign if sign.isalnum() or sign in ".-" else "_" for sign in address)
