"""First look, then send: what a discovery would do is shown and written down, and only the very same is done afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically

__all__ = ["discovery_folder", "rehearse", "require_rehearsal"]

SHOWN = "dry-run.json"


def discovery_folder(workspace: Path, address: str) -> Path:
    """Where everything found at *address* (``host:port``) is kept, beside the site file."""
    return workspace / "discover" / "".join(sign if sign.isalnum() or sign in ".-" else "_" for sign in address)


def rehearse(folder: Path, plan: Mapping[str, object]) -> None:
    """*plan* (JSON values: what would be sent, where, within which limits) has been shown to the user."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {**plan, "sha256": _digest(plan)}
    write_atomically(folder / SHOWN, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def require_rehearsal(folder: Path, plan: Mapping[str, object]) -> None:
    """Nothing, when just this *plan* was shown before; ``UsageError`` when another was, or none."""
    try:
        shown = json.loads((folder / SHOWN).read_text(encoding="utf-8")).get("sha256")
    except (OSError, ValueError, AttributeError):
        shown = None
    if shown != _digest(plan):
        raise UsageError(
            "{address}: nothing was sent, because just this has not been shown yet; run the same command without --go, read it, then add --go",
            address=plan.get("address", "?"),
        )


def _digest(plan: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True, default=str).encode()).hexdigest()
