"""The OPC UA server that somebody asks about: one of the site file by its name or URL, or a stranger by its URL."""

from __future__ import annotations

from pydantic import ValidationError

from factory_kit.errors import UsageError
from factory_kit.model.site import OpcUaServer, Site

__all__ = ["asked_server"]


def asked_server(site: Site, asked: str, *, in_the_open: bool = False) -> tuple[str, OpcUaServer]:
    """Name and settings of *asked*; a stranger is spoken to safely unless *in_the_open*. ``UsageError`` when it is no server."""
    known = {name: each for name, each in site.servers.items() if isinstance(each, OpcUaServer)}
    for name, each in known.items():
        if asked in {name, each.url}:
            return name, each
    if asked.startswith("opc.tcp://") and "@" not in asked:
        return _stranger(asked, in_the_open=in_the_open)
    if "@" in asked:  # never repeated: it may hold a password
        raise UsageError("an address holds no user and password; expected opc.tcp://host:port")
    if not known:
        raise UsageError(
            "{name}: site.yaml has no OPC UA server; expected opc.tcp://host:port, or write the server there first",
            name=asked,
        )
    raise UsageError(
        "{name}: is no OPC UA server of site.yaml, expected one of {known}, or opc.tcp://host:port",
        name=asked,
        known=", ".join(known),
    )


def _stranger(url: str, *, in_the_open: bool) -> tuple[str, OpcUaServer]:
    try:
        server = OpcUaServer(driver="opcua", url=url, security="None" if in_the_open else "auto")
    except ValidationError as error:
        raise UsageError("{url}: is no address opc.tcp://host:port", url=url) from error
    return "".join(sign if sign.isalnum() else "-" for sign in server.address.lower()).strip("-"), server
