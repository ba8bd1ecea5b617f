"""``python -m factory_kit`` is the command ``factory-kit``."""

from __future__ import annotations

from factory_kit.cli.main import main

if __name__ == "__main__":
    main()
