"""How connectors spell the place of an OPC UA value: node, path, part."""

from __future__ import annotations

import pytest

from factory_kit.drivers.address import NodeAddress, node_address
from factory_kit.errors import DeviceRefused, UsageError

BASE, URI = "nsu=http://vendor.example/;s=Mill/1", "http://opcfoundation.org/UA/MachineTool/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ns=?;s=A@B", NodeAddress(URI, "s=A@B")),
        ("[3]@ns=2;i=4", NodeAddress(2, "i=4", part="[3]")),
        (".a[2].b@i=85", NodeAddress(0, "i=85", part=".a[2].b")),
        ("/?:Monitoring/<urn:x/y>:N&/m&@@{base}", NodeAddress("http://vendor.example/", "s=Mill/1", ((URI, "Monitoring"), ("urn:x/y", "N/m@")))),
        ("[0]@/2:a@ns=1;s=[3]@z", NodeAddress(1, "s=[3]@z", ((2, "a"),), "[0]")),
    ],
)  # fmt: skip
def test_an_address_is_read_and_written_alike(text: str, expected: NodeAddress) -> None:
    """Signs that separate may stand inside names and ids; what is written out reads as the same address."""
    found = node_address(text, BASE, URI)

    assert found == expected
    assert node_address(str(found)) == found


def test_a_part_is_known_step_by_step() -> None:
    """Elements are numbers, fields are names."""
    assert node_address(".a[2].b c@i=1").places == ("a", 2, "b c")


def test_a_path_is_resolved_by_the_namespaces_of_the_session() -> None:
    """Each step gets the number that the server gives its URI; a URI it lacks is named."""
    address = node_address("/?:Monitoring/0:Name@i=85", namespace="urn:x")

    assert address.steps(["", "urn:y", "urn:x"]) == [(2, "Monitoring"), (0, "Name")]
    with pytest.raises(DeviceRefused, match="the server has no namespace urn:x"):
        address.steps(["", "urn:y"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/Monitoring@i=1", "names no path"),
        (".a[x]@i=1", "names no part"),
        ("/?:a@i=1", "leaves the namespace open"),
        ("/2:a@CNC01", "begins at 'CNC01', which is no node id"),
        ("CNC01", "is no OPC UA node id"),
    ],
)
def test_what_is_no_address_is_one_line(text: str, said: str) -> None:
    """A path without namespaces, a part that is none, an open namespace, a beginning that is no node."""
    with pytest.raises(UsageError, match=said):
        node_address(text)
