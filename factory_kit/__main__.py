"""``python -m factory_kit`` is the command ``factory-kit``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from factory_kit.cli.main import main
    except KeyboardInterrupt:  # Ctrl-C before the command could begin
        sys.exit(1)
    main()
