"""The gate before requests that a vendor charges for: consent, a monthly cap, a ledger, and kept answers.

``<workspace>/paid/spent.json`` holds what was booked, by month, source and kind of request; ``paid/answers/`` the
answers, so that what was paid for once is not asked again. Sources are loaded by one process at a time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError
from costlab.lake.disk import replace_text
from costlab.money import ZERO, plain
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from costlab.interfaces.connector import PaidRequest

DEFAULT_CAP: Final = "2"
"""USD per calendar month and source: one refresh a day of aws-cost-explorer costs 1.50 to 2."""
_FINAL: Final = "final"
_Spent = dict[str, dict[str, dict[str, dict[str, Any]]]]


def spent(workspace: Path, month: Month) -> dict[str, Decimal]:
    """Return the USD booked in a calendar month (UTC), by source.

    Raises
    ------
    ConfigError
        If the ledger is damaged: then nothing more is spent.
    """
    return {
        source: sum((Decimal(entry["usd"]) for entry in entries.values()), ZERO)
        for source, entries in _ledger(workspace).get(str(month), {}).items()
    }


@dataclass(frozen=True, slots=True)
class Purse:
    """What one source may spend, and what it got for it."""

    workspace: Path
    source: str
    options: Mapping[str, str]
    now: datetime

    @property
    def _month(self) -> Month:
        return Month.of(self.now.date())

    @property
    def _spent(self) -> Decimal:
        return spent(self.workspace, self._month).get(self.source, ZERO)

    def announce(self, requests: int, price: PaidRequest) -> str:
        """Return the sentence that says what is about to be spent.

        Raises
        ------
        ConfigError
            If it is not allowed, or more than is left of the cap.
        """
        cost = requests * price.usd
        text = f"{requests} {price.what}(s) at {plain(price.usd)} USD = {plain(cost)} USD ({price.source})"
        if self._allowed() != "yes":
            raise ConfigError(
                f"{self.source}: {text} would be charged by the vendor; nothing was asked",
                hint='Allow it with --option allow_paid=yes, or options = { allow_paid = "yes" } in costlab.toml',
            )
        self._check(cost, text)
        return f"{self.source}: {text}; {plain(self._spent)} of {plain(self._cap())} USD spent in {self._month}"

    def book(self, price: PaidRequest) -> None:
        """Write one request into the ledger, on disk before it is made."""
        if self._allowed() != "yes":
            raise ConfigError(f"{self.source}: a {price.what} is not allowed", hint="--option allow_paid=yes")
        self._check(price.usd, f"one more {price.what} at {plain(price.usd)} USD")
        ledger = _ledger(self.workspace)
        entry = (
            ledger.setdefault(str(self._month), {})
            .setdefault(self.source, {})
            .setdefault(price.what, {"requests": 0, "usd": "0"})
        )
        entry["requests"] += 1
        entry["usd"] = plain(Decimal(entry["usd"]) + price.usd)
        path = _ledger_path(self.workspace)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps(ledger, indent=1, sort_keys=True) + "\n")

    def kept(self, key: str) -> Any | None:
        """Return the answer kept under ``key``, None when there is none that still counts."""
        for folder in (_FINAL, self._today):
            try:
                return json.loads(self._answer(folder, key).read_text(encoding="utf-8"))["answer"]
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                continue
        return None

    def keep(self, key: str, answer: Any, *, is_final: bool) -> None:
        """Keep an answer: for good when it is final, else for this day (UTC); those of other days go."""
        path = self._answer(_FINAL if is_final else self._today, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json.dumps({"answer": answer}, default=str))
        for folder in self._answers.iterdir():
            if folder.name not in {_FINAL, self._today}:
                shutil.rmtree(folder)

    @property
    def _today(self) -> str:
        return self.now.date().isoformat()

    @property
    def _answers(self) -> Path:
        return self.workspace / "paid" / "answers"

    def _answer(self, folder: str, key: str) -> Path:
        name = hashlib.sha256(f"{self.source}\x1f{key}".encode()).hexdigest()[:32]
        return self._answers / folder / f"{name}.json"

    def _allowed(self) -> str:
        said = self.options.get("allow_paid", "no")
        if said not in {"yes", "no"}:
            raise ConfigError(f"{self.source}: allow_paid is {said!r}", hint="It is yes or no")
        return said

    def _cap(self) -> Decimal:
        text = self.options.get("monthly_cap_usd", DEFAULT_CAP)
        try:
            cap = Decimal(text)
        except InvalidOperation:
            cap = Decimal("NaN")
        if not cap.is_finite() or cap < 0:
            raise ConfigError(f"{self.source}: monthly_cap_usd is {text!r}", hint="Write an amount such as 2 or 0.50")
        return cap

    def _check(self, cost: Decimal, text: str) -> None:
        before, cap = self._spent, self._cap()
        if before + cost > cap:
            raise ConfigError(
                f"{self.source}: {text} would pass the cap of {plain(cap)} USD per month: "
                f"{plain(before)} USD are spent in {self._month}",
                hint="Wait for the next month, load less (--period), or raise the option monthly_cap_usd",
            )


def _ledger_path(workspace: Path) -> Path:
    return workspace / "paid" / "spent.json"


def _ledger(workspace: Path) -> _Spent:
    path = _ledger_path(workspace)
    try:
        found: _Spent = json.loads(path.read_text(encoding="utf-8"))
        for sources in found.values():
            for entries in sources.values():
                for entry in entries.values():
                    Decimal(entry["usd"])
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
        raise ConfigError(
            f"{path} is damaged: what was spent this month is not known, so nothing more is",
            hint="Compare the vendor's bill, then remove the file",
        ) from None
    return found
