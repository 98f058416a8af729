"""The one facade: the command line, the dashboard, notebooks and the nightly job ask the same questions here."""

from __future__ import annotations

from costlab.lab.facade import Lab, open_lab

__all__ = ["Lab", "open_lab"]
