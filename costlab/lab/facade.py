"""``costlab.open``: questions in, :class:`costlab.answer.Answer` out, on one consistent published catalogue."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from costlab.lab import comparison, findings, health
from costlab.lab import cost as costs
from costlab.lab.allocation import answers as allocation
from costlab.lab.currency import Rates, ask_in
from costlab.lab.status import COMPLETE, EMPTY, PARTIAL, data_status
from costlab.lab.view import View
from costlab.lab.where import TAGS
from costlab.period import midnight, parse_day
from costlab.settings import Settings, find_workspace, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from os import PathLike
    from pathlib import Path

    from pandas import DataFrame

    from costlab.answer import Answer
    from costlab.warehouse.relations import Database

EFFECTIVE = "EffectiveCost"


def open_lab(workspace: str | PathLike[str] | None = None, *, as_of: date | str | None = None) -> Lab:
    """Return a read-only Lab on a workspace.

    Raises
    ------
    ConfigError
        If ``costlab.toml`` is wrong.
    DataError
        If nothing is loaded yet.
    UsageError
        If ``as_of`` is not a day.
    """
    settings = load_settings(find_workspace(workspace))
    day = parse_day(as_of, what="--as-of") if isinstance(as_of, str) else as_of
    return Lab.open(settings, as_of=midnight(day) if day else None)


class Lab(View):
    """Read-only answers about one workspace, all from one published sequence of its data.

    Every question comes in two forms: ``ask_x`` returns an :class:`~costlab.answer.Answer` (what the command line
    prints as JSON), ``x`` its items as a DataFrame in which money is ``Decimal``.
    """

    def __init__(
        self, settings: Settings, db: Database, seq: int, *, as_of: datetime | None, resources: ExitStack
    ) -> None:
        super().__init__(settings, db, seq, as_of=as_of)
        self._resources = resources

    @classmethod
    def open(cls, settings: Settings, *, as_of: datetime | None = None) -> Self:
        """Return a Lab on the current catalogue, or on one built for what was known at ``as_of``."""
        from costlab.lab.catalogues import current_catalogue, past_catalogue

        resources = ExitStack()
        try:
            seq, db = past_catalogue(settings, as_of, resources) if as_of else current_catalogue(settings)
        except BaseException:
            resources.close()
            raise
        resources.callback(db.close)
        return cls(settings, db, seq, as_of=as_of, resources=resources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the catalogue."""
        self._resources.close()

    # -- cost ----------------------------------------------------------------------------------------------------

    def ask_cost(
        self,
        by: str | Sequence[str] = (),
        *,
        metric: str = EFFECTIVE,
        grain: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        where: str | None = None,
        currency: str | None = None,
    ) -> Answer:
        """Return one item per group (and period, and billing currency when there are several), largest first.

        Parameters
        ----------
        by
            Columns of ``focus.costs``, or ``Tags.<key>``.
        start, end
            Days by ChargePeriodStart, ``end`` exclusive; by default the last full month with data.
        where
            A boolean SQL expression over columns of ``focus.costs``.
        currency
            Convert everything to this one with the rates of ``exchange_rates.csv``; ``totals["rates"]`` says which.

        Raises
        ------
        UsageError
            If a column, metric, grain, day or the expression is not understood.
        ConfigError
            If a rate is missing.
        """
        asked = costs.question(by, metric, grain, where)
        window = self.window(start, end)
        used: dict[str, Any] = {}
        if currency:
            found, used["rates"] = ask_in(self.db, asked, window, currency, Rates.read(self.settings.workspace))
        else:
            found = costs.ask(self.db, asked, window)
        status, warnings = data_status(self.db, window, has_items=bool(found.items))
        warnings += [
            f"no charge in {window} has the tag {name.removeprefix(f'{TAGS}.')!r}"
            for name in asked.by
            if found.items and name.startswith(f"{TAGS}.") and all(item[name] is None for item in found.items)
        ]
        currencies = sorted(found.totals)
        totals: dict[str, Any] = {asked.metric: next(iter(found.totals.values()), None)}
        if len(found.totals) > 1:
            totals = {asked.metric: None, "by_currency": {c: {asked.metric: v} for c, v in found.totals.items()}}
            warnings.append(f"several currencies ({', '.join(currencies)}) are never added")
        totals |= {"from": window.start, "to": window.end, **used}
        return self.answer(
            "cost",
            found.columns,
            found.items,
            currency=currencies[0] if len(currencies) == 1 else None,
            data_status=status,
            totals=totals,
            warnings=warnings,
        )

    def cost(
        self,
        by: str | Sequence[str] = (),
        metric: str = EFFECTIVE,
        grain: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        where: str | None = None,
        currency: str | None = None,
    ) -> DataFrame:
        """Return cost as a DataFrame; see :meth:`ask_cost`."""
        asked = self.ask_cost(by, metric=metric, grain=grain, start=start, end=end, where=where, currency=currency)
        return asked.frame()

    def ask_explain(
        self,
        by: str | Sequence[str] = ("ServiceName",),
        *,
        start: date | str | None = None,
        end: date | str | None = None,
    ) -> Answer:
        """Return one item per group: EffectiveCost of the window, of the one before it, and the parts of the change.

        The parts (``price, quantity, mix, new, ended, coverage, credits, restatement``) add up to ``change`` exactly.
        The other period is the one of the same length right before: whole months for whole months, else days.

        Raises
        ------
        UsageError
            If a column or a day is not understood.
        """
        from costlab.lab.explain import explain

        window = self.window(start, end)
        columns, items = explain(self.db, by, window, self.clipped_at)
        status, warnings = data_status(self.db, window, has_items=bool(items))
        currencies = sorted({item["BillingCurrency"] for item in items})
        amounts = columns[columns.index("BillingCurrency") + 1 :]
        sums = {c: {a: sum(i[a] for i in items if i["BillingCurrency"] == c) for a in amounts} for c in currencies}
        totals: dict[str, Any] = sums[currencies[0]] if len(currencies) == 1 else {"by_currency": sums}
        earlier = window.before()
        totals = {
            **totals, "from": window.start, "to": window.end, "before_from": earlier.start, "before_to": earlier.end
        }  # fmt: skip
        currency = currencies[0] if len(currencies) == 1 else None
        return self.answer(
            "explain", columns, items, currency=currency, data_status=status, totals=totals, warnings=warnings
        )

    def explain(
        self, by: str | Sequence[str] = ("ServiceName",), start: date | str | None = None, end: date | str | None = None
    ) -> DataFrame:
        """Return the change and its parts as a DataFrame; see :meth:`ask_explain`."""
        return self.ask_explain(by, start=start, end=end).frame()

    # -- allocation ----------------------------------------------------------------------------------------------

    def ask_allocate(
        self,
        by: str | None = None,
        *,
        metric: str = EFFECTIVE,
        grain: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        rules: str | None = None,
    ) -> Answer:
        """Return one item per value of a dimension: direct cost, shared costs by rule, total, share and change.

        The totals add up to :meth:`ask_cost` over the same days exactly, per currency.

        Parameters
        ----------
        by
            A dimension of the rules (the first by default), a tag key, or a column of ``focus.costs``.
        rules
            Another file than the workspace's ``allocation.toml``.

        Raises
        ------
        UsageError
            If the dimension, metric, grain, a day or the file is not understood.
        ConfigError
            If a rule is wrong; the message names its line.
        """
        return allocation.ask_allocate(self, by, metric=metric, grain=grain, start=start, end=end, rules=rules)

    def allocate(
        self,
        by: str | None = None,
        metric: str = EFFECTIVE,
        grain: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        rules: str | None = None,
    ) -> DataFrame:
        """Return the allocation as a DataFrame; see :meth:`ask_allocate`."""
        return self.ask_allocate(by, metric=metric, grain=grain, start=start, end=end, rules=rules).frame()

    def ask_hygiene(
        self,
        by: str | None = None,
        *,
        metric: str = EFFECTIVE,
        start: date | str | None = None,
        end: date | str | None = None,
        rules: str | None = None,
    ) -> Answer:
        """Return one item per account, service and probable owner of cost that nobody owns, largest first.

        ``confidence`` is the share of the evidence: of the resources with an owner at the same place (``basis``). The
        totals hold ``tag_keys``: the cost that each key covers, and its spellings.

        Raises
        ------
        UsageError
            If the dimension, metric, a day or the file is not understood.
        ConfigError
            If a rule is wrong.
        """
        return allocation.ask_hygiene(self, by, metric=metric, start=start, end=end, rules=rules)

    def ask_unit_cost(
        self,
        by: str | None = None,
        *,
        metric: str | None = None,
        cost: str = EFFECTIVE,
        grain: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        rules: str | None = None,
    ) -> Answer:
        """Return one item per business metric, period and value of ``by``: cost per unit, average and marginal.

        ``cost_change = volume_effect + cost_effect`` exactly, against the period before. Days without a quantity are
        counted in ``missing_days`` and left out of ``matched_cost``, which is what the quantity divides.

        Parameters
        ----------
        by
            A dimension that the metrics have a column for; None: all cost.
        metric
            Another file of business metrics than the workspace's; CSV or Parquet.
        cost
            The cost column.
        grain
            ``day``, ``week``, ``month`` or ``total``.

        Raises
        ------
        UsageError
            If a name, a day or the file is not understood.
        SourceError
            If the file of metrics cannot be read.
        ConfigError
            If a rule is wrong.
        """
        return allocation.ask_unit_cost(
            self, by, metric=metric, cost=cost, grain=grain, start=start, end=end, rules=rules
        )

    def unit_cost(
        self,
        by: str | None = None,
        metric: str | None = None,
        cost: str = EFFECTIVE,
        grain: str | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        rules: str | None = None,
    ) -> DataFrame:
        """Return unit costs as a DataFrame; see :meth:`ask_unit_cost`."""
        asked = self.ask_unit_cost(by, metric=metric, cost=cost, grain=grain, start=start, end=end, rules=rules)
        return asked.frame()

    # -- findings ------------------------------------------------------------------------------------------------

    def ask_recommend(self, kinds: Sequence[str] = (), *, min_saving: Decimal | int | str | None = None) -> Answer:
        """Return the plan: items ranked by net monthly saving, and their sum.

        Parameters
        ----------
        kinds
            Only these kinds, filtered before the items are netted against each other.
        min_saving
            Leave out items that save less per month, after netting.
        """
        if kinds or self.clipped_at:
            memory = None if self.clipped_at else findings.memory_of(self.db)
            found = findings.plan_now(self.db, self.clipped_at, kinds, memory)
        else:
            found = findings.published_plan(self.db)
        if min_saving is not None:
            found = findings.at_least(found, Decimal(min_saving))
        return self._findings("recommend", found, found.totals)

    def recommend(self, kinds: Sequence[str] = (), min_saving: Decimal | int | str | None = None) -> DataFrame:
        """Return the plan as a DataFrame; see :meth:`ask_recommend`."""
        return self.ask_recommend(kinds, min_saving=min_saving).frame()

    def ask_compare_advice(self, kinds: Sequence[str] = ()) -> Answer:
        """Return the plan beside the clouds' own recommendations: one item per proposal of either side.

        Parameters
        ----------
        kinds
            Only these kinds, on both sides.
        """
        plan = self.ask_recommend(kinds)
        found = comparison.compared(self.db, plan.items, plan.totals, kinds)
        told = any(item["theirs_id"] for item in found.items)
        return self.answer(
            "compare-advice", found.columns, found.items, currency=found.currency, totals=found.totals,
            data_status=plan.data_status if told else PARTIAL if found.items else EMPTY,
            warnings=plan.warnings if told else [*plan.warnings, comparison.NOT_LOADED],
        )  # fmt: skip

    def compare_advice(self, kinds: Sequence[str] = ()) -> DataFrame:
        """Return the comparison as a DataFrame; see :meth:`ask_compare_advice`."""
        return self.ask_compare_advice(kinds).frame()

    def ask_anomalies(self, *, days: int | None = None, min_impact: Decimal | int | str | None = None) -> Answer:
        """Return all incidents, largest first; with ``days`` those open or ended in the last days of the data."""
        found = findings.incidents(self.db, self.clipped_at, days=days)
        if min_impact is not None:
            found.items = [item for item in found.items if abs(item["impact"]) >= Decimal(min_impact)]
        return self._findings("anomalies", found, {"incidents": len(found.items)})

    def _findings(self, name: str, found: findings.Found, totals: dict[str, Any]) -> Answer:
        failed = None if self.clipped_at else findings.failures(self.db).get(name)
        warnings = [f"this was not computed: {failed}"] if failed else []
        status = PARTIAL if failed else COMPLETE if found.items else EMPTY
        return self.answer(
            name, found.columns, found.items, currency=found.currency, data_status=status, totals=totals,
            warnings=warnings,
        )  # fmt: skip

    def anomalies(self, days: int | None = None, min_impact: Decimal | int | str | None = None) -> DataFrame:
        """Return incidents as a DataFrame; see :meth:`ask_anomalies`."""
        return self.ask_anomalies(days=days, min_impact=min_impact).frame()

    # -- the data itself -----------------------------------------------------------------------------------------

    def ask_sources(self) -> Answer:
        """Return what is configured and loaded; see :func:`costlab.lab.health.ask_sources`."""
        return health.ask_sources(self.settings, self.db, self.clipped_at)

    def ask_doctor(self) -> Answer:
        """Return what is wrong and how to mend it; see :func:`costlab.lab.health.ask_doctor`."""
        return health.ask_doctor(self.settings)

    def ask_reconcile(self, source: str | None = None, period: str | None = None) -> Answer:
        """Return the chain from the files received to the marts; see :func:`costlab.lab.health.ask_reconcile`."""
        return health.ask_reconcile(self.settings, self.db, source=source, period=period)

    def ask_restatements(self, source: str | None = None, since: date | str | None = None) -> Answer:
        """Return what vendors changed; see :func:`costlab.lab.health.ask_restatements`."""
        return health.ask_restatements(self.settings, source=source, since=since)

    def ask_calibrate(
        self, source: str | None = None, period: str | None = None, *, tables: Path | None = None
    ) -> Answer:
        """Return one item per bill and service: as billed, computed again from usage and commitments, the difference.

        ``effective_cost = covered + on_demand + unused + taken_over`` and ``difference`` is what was computed of the
        first three less what was billed; ``explained`` (by class) and ``unexplained`` add up to it. The totals hold
        ``bills``, and what was learned: ``discounts`` and ``commitments``.

        Parameters
        ----------
        source, period
            Only this source's bills, or those of this billing period (``2026-01``).
        tables
            A folder for ``usage.parquet``, ``commitments.parquet`` and ``rates.parquet`` of the one bill asked for, as
            ``costlab rate`` reads them.

        Raises
        ------
        UnknownValue
            If nothing of that source or period is loaded.
        UsageError
            If tables of more than one bill are asked for, or the folder cannot be written.
        """
        from costlab.lab.calibration.answers import ask_calibrate

        return ask_calibrate(self, source, period, tables)

    def calibrate(self, source: str | None = None, period: str | None = None) -> DataFrame:
        """Return :meth:`ask_calibrate` as a DataFrame, one row per bill and service."""
        return self.ask_calibrate(source, period).frame()

    def sources(self) -> DataFrame:
        """Return :meth:`ask_sources` as a DataFrame, one row per source."""
        return self.ask_sources().frame()

    def reconcile(self, source: str | None = None, period: str | None = None) -> DataFrame:
        """Return :meth:`ask_reconcile` as a DataFrame, one row per snapshot."""
        return self.ask_reconcile(source, period).frame()

    def restatements(self, source: str | None = None, since: date | str | None = None) -> DataFrame:
        """Return :meth:`ask_restatements` as a DataFrame, one row per service and account that changed."""
        return self.ask_restatements(source, since).frame()

    # -- SQL -----------------------------------------------------------------------------------------------------

    def ask_query(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> Answer:
        """Return the rows of one SELECT over the published tables.

        Raises
        ------
        UsageError
            If it is anything else, or fails; with DuckDB's own suggestion.
        """
        from costlab.lab.query import run

        columns, items = run(self.db, sql, params)
        return self.answer("query", columns, items, data_status="complete" if items else "empty")

    def sql(self, query: str, params: Sequence[Any] | dict[str, Any] | None = None) -> DataFrame:
        """Return the rows of one SELECT as a DataFrame; DECIMAL columns hold ``Decimal``."""
        return self.ask_query(query, params).frame()
