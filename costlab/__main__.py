"""``python -m costlab``."""

from __future__ import annotations

from costlab.cli import main

if __name__ == "__main__":
    main()
