"""Names and node ids of a server as we keep them: nothing in them moves a terminal, and no id depends on a namespace number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asyncua import ua

__all__ = ["LONGEST", "has_controls", "node_id", "node_text", "shown"]

LONGEST = 200
"""Signs of a name that are kept."""


def has_controls(text: str) -> bool:
    """Whether *text* holds control characters, direction marks, or halves of signs that no file could hold."""
    return any(not sign.isprintable() for sign in text)


def shown(text: object) -> str:
    """*text* of a server on one line: control characters spelled out, at most ``LONGEST`` signs; empty for no text."""
    if not isinstance(text, str):
        return ""
    plain = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def node_text(node: Any, namespaces: Sequence[str]) -> str:
    """*node* as ``nsu=<URI>;s=…``, ``i=…`` in the standard's own namespace; empty where its namespace has no URI, or it is none.

    Node ids on other servers have no text either: nobody asked for those.
    """
    if not isinstance(node, ua.NodeId) or node.is_null() or getattr(node, "ServerIndex", None):
        return ""
    rest: str = ua.NodeId(node.Identifier, 0, node.NodeIdType).to_string()
    uri = getattr(node, "NamespaceUri", None) or ""
    if not uri:
        index = node.NamespaceIndex
        if index == 0:
            return rest
        uri = namespaces[index] if 0 < index < len(namespaces) else ""
    return f"nsu={uri};{rest}" if uri and ";" not in uri else ""


def node_id(text: str, namespaces: Sequence[str]) -> Any:
    """The node id that ``node_text`` wrote, with the namespace number of this session; None where the server lacks it."""
    if not text.startswith("nsu="):
        return ua.NodeId.from_string(text)
    uri, _semicolon, rest = text.removeprefix("nsu=").partition(";")
    return ua.NodeId.from_string(f"ns={namespaces.index(uri)};{rest}") if uri in namespaces else None
