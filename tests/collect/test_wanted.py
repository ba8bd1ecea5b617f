"""Which OPC UA server somebody asks about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from factory_kit.collect.wanted import asked_server
from factory_kit.errors import UsageError
from factory_kit.model.site import Site

MANUAL = [{"id": "bench"}]
URL = "opc.tcp://10.0.0.6:4840"


@pytest.fixture(name="site")
def fixture_site(make_site: Callable[..., Site]) -> Site:
    """A Modbus line and two OPC UA servers."""
    servers = {
        "line": {"driver": "modbus", "host": "10.0.0.5"},
        "press": {"driver": "opcua", "url": URL},
        "lathe": {"driver": "opcua", "url": "opc.tcp://10.0.0.7", "security": "None"},
    }
    return make_site(servers, MANUAL)


@pytest.mark.parametrize(("asked", "name"), [("press", "press"), (URL, "press"), ("lathe", "lathe")])
def test_a_server_of_the_site_is_found_by_its_name_or_url(site: Site, asked: str, name: str) -> None:
    """With the settings that the site gives it, whatever was said about security."""
    assert asked_server(site, asked, in_the_open=True) == (name, site.servers[name])


@pytest.mark.parametrize(("in_the_open", "security"), [(False, "auto"), (True, "None")])
def test_a_stranger_is_spoken_to_safely_unless_told_otherwise(site: Site, in_the_open: bool, security: str) -> None:
    """Its name is made of its address: letters and digits, dashes between, none at the ends."""
    name, server = asked_server(site, "opc.tcp://PLC_7.Hall:4841/", in_the_open=in_the_open)

    assert (name, server.url, server.security) == ("plc-7-hall-4841", "opc.tcp://PLC_7.Hall:4841/", security)


def test_strangers_are_safe_when_nothing_is_said(site: Site) -> None:
    """The default is no open connection."""
    assert asked_server(site, "opc.tcp://plc")[1].security == "auto"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("opc.tcp://me:secret@plc:4840", "an address holds no user and password; expected opc.tcp://host:port"),
        ("me@plc", "an address holds no user and password; expected opc.tcp://host:port"),
        ("line", "line: is no OPC UA server of site.yaml, expected one of press, lathe, or opc.tcp://host:port"),
        ("opc.tcp://", "opc.tcp://: is no address opc.tcp://host:port"),
    ],
)
def test_what_is_no_server_is_told_without_its_password(site: Site, asked: str, said: str) -> None:
    """A Modbus server, a mistyped name, an address without a host, and one with a password, which is never repeated."""
    with pytest.raises(UsageError) as caught:
        asked_server(site, asked)

    assert str(caught.value) == said


def test_a_site_without_opc_ua_says_so(make_site: Callable[..., Site]) -> None:
    """No list of names with nothing in it."""
    with pytest.raises(UsageError, match=r"press: site\.yaml has no OPC UA server; expected opc\.tcp"):
        asked_server(make_site({}, MANUAL), "press")
