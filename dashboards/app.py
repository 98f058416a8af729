"""The dashboard: ``costlab dashboard`` serves this file; every file in ``pages`` is a page."""

from __future__ import annotations

from costlab.ui.frame import framed

framed().run()
