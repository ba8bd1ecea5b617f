"""Rebuilds every bundle of a folder and prints what came out, a line of JSON each; run by ``test_frozen.py`` in other surroundings."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from factory_kit.assess.bundle import rescore
from factory_kit.assess.stands import stands_bytes


def main(folder: Path) -> None:
    """One line per bundle: its name, whether it is the same, its level, and the hashes of what was rebuilt."""
    for path in sorted(folder.glob("*.zip")):
        found = rescore(path)
        rebuilt = [found.scored.canonical(), *([stands_bytes(found.stands)] if found.stands else [])]
        line = {
            "bundle": path.name,
            "same": found.same,
            "level": found.scored.score.level,
            "sha256": [hashlib.sha256(data).hexdigest() for data in rebuilt],
        }
        sys.stdout.write(json.dumps(line, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
