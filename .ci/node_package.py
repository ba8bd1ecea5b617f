"""Prints the folder in which a package of npm stands ready for node, and installs it there first.

    python .ci/node_package.py node-opcua 2.160.0

Independent servers and clients that tests and benchmarks run beside ours come this way: fetched, never committed. The folder
is in the user's cache (``XDG_CACHE_HOME``) and holds just that version; give it to node as ``NODE_PATH=<folder>/node_modules``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def folder_of(name: str, version: str) -> Path:
    """Where *name* at *version* stands, whole or not at all."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "factory-kit" / "node" / f"{name.replace('/', '+')}-{version}"


def install(name: str, version: str) -> Path:
    """The folder of *name* at *version*; installs aside and renames, so that two at once do not meet half a package."""
    folder = folder_of(name, version)
    if folder.exists():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not installed on this machine")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        subprocess.run([*command, "--prefix", aside, f"{name}@{version}"], check=True, stdout=sys.stderr)
        try:
            Path(aside).rename(folder)
        except OSError:
            if not folder.exists():
                raise
        else:
            Path(aside).mkdir()  # the temporary folder tidies what it made
    return folder


if __name__ == "__main__":
    print(install(*sys.argv[1:3]))
