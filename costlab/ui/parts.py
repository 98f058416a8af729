"""What pages are put together from: header, figures, notices, tables, downloads. Text from bills is always escaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from costlab.errors import ConfigError, CostlabError, DataError
from costlab.report.formats import as_csv
from costlab.ui.format import DASH, day, exact_money, markdown, money, ratio
from costlab.ui.session import Source, source, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from costlab.answer import Answer
    from costlab.ui.overview import Change
    from costlab.ui.session import Bound

__all__ = ["Column", "page"]
