"""What every page needs to know about the data before it can ask anything: currencies, months, days, names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.period import Month

if TYPE_CHECKING:
    from datetime import date

    from costlab.lab import Lab

RANKED = 20
_CURRENCIES = (
    "select BillingCurrency as name from marts.daily_costs where BillingCurrency is not null "
    "group by 1 order by sum(abs(EffectiveCost)) desc, 1"
)
_DAYS = (
    "select min(ChargeDate) as first, max(ChargeDate) as last, "
    "max(ChargeDate) filter (ChargeCategory = 'Usage') as last_usage from marts.daily_costs"
)
_MONTHS = "select distinct strftime(ChargeDate, '%Y-%m') as month from marts.daily_costs order by 1 desc"
_NAMES = (
    "select SubAccountId as id, max(SubAccountName) as name from marts.daily_costs "
    "where SubAccountId is not null group by 1 order by 1"
)
_TAGS = (
    "select x_tag_key as key from marts.daily_tags where x_tag_value is not null "
    "group by 1 order by sum(abs(EffectiveCost)) desc, 1"
)
_SERVICES = (
    "select ServiceName as name from marts.daily_costs where ServiceName is not null "
    "group by 1 order by sum(abs(EffectiveCost)) desc, 1 limit ?"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The extent of a published catalogue; everything empty when nothing is loaded."""

    currencies: tuple[str, ...]
    """Most used first."""
    months: tuple[str, ...]
    """``YYYY-MM`` of the days with charges, newest first."""
    first_day: date | None
    last_day: date | None
    """The last day with usage: what the data is as of."""
    end_day: date | None
    """The last day with any charge; a fee may be dated after the last usage."""
    default_month: str | None
    """The last full month with data."""
    account_names: dict[str, str]
    tag_keys: tuple[str, ...]
    """Keys with a rollup and at least one value, most cost first."""
    services: tuple[str, ...]
    """The largest over all data, which decides their colours."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no charge at all."""
        return self.first_day is None

    def account(self, identifier: str | None) -> str | None:
        """Return the account's name, or its id where it has none."""
        return self.account_names.get(identifier, identifier) if identifier is not None else None


def load_facts(lab: Lab) -> Facts:
    """Return the facts of the Lab's catalogue."""
    extent = lab.db.rows(_DAYS)[0]
    names = {row["id"]: row["name"] or row["id"] for row in lab.db.rows(_NAMES)}
    months = tuple(row["month"] for row in lab.db.rows(_MONTHS))
    return Facts(
        currencies=tuple(row["name"] for row in lab.db.rows(_CURRENCIES)),
        months=months,
        first_day=extent["first"],
        last_day=extent["last_usage"] or extent["last"],
        end_day=extent["last"],
        default_month=_default_month(lab, months),
        account_names=names,
        tag_keys=tuple(row["key"] for row in lab.db.rows(_TAGS)),
        services=tuple(row["name"] for row in lab.db.rows(_SERVICES, [RANKED])),
    )


def _default_month(lab: Lab, months: tuple[str, ...]) -> str | None:
    if not months:
        return None
    full = str(Month.of(lab.window().start))
    return full if full in months else months[0]
