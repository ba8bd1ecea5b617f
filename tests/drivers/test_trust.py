"""The first acquaintance with an OPC UA server."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from factory_kit.collect.trust import acquaint, trust_server
from factory_kit.errors import NotAuthorised, UsageError
from factory_kit.model.definition import Text
from factory_kit.model.site import Authorisation, Equipment, Industry, OpcUaServer, Plant, Site

NOW = 1_800_000_000_000_000


def site(url: str, *, allowed: bool = True) -> Site:
    """A site with one OPC UA server."""
    server = OpcUaServer(driver="opcua", url=url)
    record = Authorisation(
        granted_by="A",
        reference="R",
        granted_on=date(2026, 1, 1),
        valid_until=date(2030, 1, 1),
        addresses=(server.address,),
    )
    plant = Plant(
        id="p",
        name=Text(zh="厂", en="p"),
        credit_code="91310117MA00000000",
        type="discrete",
        industry=Industry(code="3484"),
    )
    equipment = (Equipment(id="m", name=Text(zh="机", en="m")),)
    return Site(
        site=1,
        kind="real",
        plant=plant,
        authorisation=record if allowed else None,
        servers={"line-1": server},
        equipment=equipment,
    )


@pytest.mark.wire
def test_a_certificate_is_shown_and_pinned_only_with_its_own_fingerprint(safe_plant: Any, tmp_path: Path) -> None:
    """Another fingerprint pins nothing; the right one, with or without colons, pins the certificate and is on record."""
    where = site(safe_plant.url)

    found = acquaint(where, "line-1", now=lambda: NOW, request_log=tmp_path / "requests.jsonl")
    with pytest.raises(UsageError, match="nothing was trusted"):
        trust_server(found, "00:11", tmp_path / "opcua")
    assert not (tmp_path / "opcua").exists()
    trust_server(found, found.fingerprint.replace(":", "").lower(), tmp_path / "opcua")

    assert ("Basic256Sha256", "SignAndEncrypt") in found.offers
    assert [path.read_bytes() for path in (tmp_path / "opcua" / "trusted").iterdir()] == [found.certificate]
    assert "GetEndpoints" in (tmp_path / "requests.jsonl").read_text(encoding="utf-8")


@pytest.mark.wire
def test_nothing_is_asked_without_an_authorisation(safe_plant: Any, tmp_path: Path) -> None:
    """Without an authorisation record not even the endpoints are asked for."""
    with pytest.raises(NotAuthorised):
        acquaint(
            site(safe_plant.url, allowed=False), "line-1", now=lambda: NOW, request_log=tmp_path / "requests.jsonl"
        )

    assert safe_plant.seen == {}


def test_only_opc_ua_servers_of_the_site_can_be_trusted(tmp_path: Path) -> None:
    """Another name gives one line with those there are."""
    with pytest.raises(UsageError, match=r"nobody: is no OPC UA server of site\.yaml, expected one of line-1"):
        acquaint(site("opc.tcp://127.0.0.1:1"), "nobody", now=lambda: NOW, request_log=tmp_path / "requests.jsonl")


@pytest.mark.wire
def test_a_server_can_be_known_by_its_address_before_it_stands_in_the_site_file(
    safe_plant: Any, tmp_path: Path
) -> None:
    """The URL is enough where the authorisation covers it; what the certificate says is shown, and what is weak."""
    where = site(safe_plant.url).model_copy(update={"servers": {}})

    found = acquaint(where, safe_plant.url, now=lambda: time_ns() // 1000, request_log=tmp_path / "requests.jsonl")

    assert found.facts is not None
    assert found.facts.uris == ("urn:test:server",)
    assert found.facts.bits == 2048
    assert "none_offered" in {finding.kind for finding in found.findings}


def test_an_address_with_a_password_is_refused_without_repeating_it(tmp_path: Path) -> None:
    """What stands before an @ never appears in a line."""
    with pytest.raises(UsageError) as caught:
        acquaint(site("opc.tcp://127.0.0.1:1"), "opc.tcp://u:hush@h:1", now=lambda: NOW, request_log=tmp_path / "r")

    assert "hush" not in str(caught.value)
