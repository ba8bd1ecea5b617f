"""The first acquaintance with an OPC UA server."""

from __future__ import annotations

from datetime import date
from pathlib import Path
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
        trust_server(where, "line-1", found, "00:11", tmp_path / "opcua")
    assert not (tmp_path / "opcua").exists()
    trust_server(where, "line-1", found, found.fingerprint.replace(":", "").lower(), tmp_path / "opcua")

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
