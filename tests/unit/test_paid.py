"""Nothing that costs money is asked without consent, above the cap, or twice."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.errors import ConfigError
from costlab.ingest.landing import LocalLanding
from costlab.ingest.paid import spent
from costlab.interfaces.connector import Dataset, PaidRequest
from costlab.lake import Lake
from costlab.period import Month

NOW = datetime(2026, 5, 31, 23)
NEXT_MONTH = datetime(2026, 6, 1, 0)
PRICE = PaidRequest("Cost Explorer request", Decimal("0.01"), "the price list, read 2026-11-24")
MAY, JUNE = Month.parse("2026-05"), Month.parse("2026-06")


class Service:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> dict[str, int]:
        self.asked += 1
        return {"answer": self.asked}


def landing(
    workspace: Path,
    now: datetime = NOW,
    source: str = "ce",
    tell: Callable[[str], None] = lambda _: None,
    **options: str,
) -> LocalLanding:
    return LocalLanding(workspace, Lake(workspace), Dataset.FOCUS, options, now, tell, source)


def test_without_consent_nothing_is_called_and_the_price_is_said(tmp_path: Path) -> None:
    service = Service()
    there = landing(tmp_path)
    with pytest.raises(ConfigError) as refused:
        there.announce(15, PRICE)
    assert refused.value.message == (
        "ce: 15 Cost Explorer request(s) at 0.01 USD = 0.15 USD (the price list, read 2026-11-24) "
        "would be charged by the vendor; nothing was asked"
    )
    assert "allow_paid=yes" in refused.value.hint
    with pytest.raises(ConfigError):
        there.paid("k", PRICE, service)
    assert service.asked == 0
    assert not (tmp_path / "paid").exists()


@pytest.mark.parametrize("said", ["true", "YES", "1", ""])
def test_consent_is_yes_and_nothing_else(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConfigError):
        landing(tmp_path, allow_paid=said).announce(1, PRICE)


def test_the_price_is_said_before_with_what_is_spent_and_the_cap(tmp_path: Path) -> None:
    told: list[str] = []
    there = landing(tmp_path, tell=told.append, allow_paid="yes")
    there.announce(3, PRICE)
    there.paid("k", PRICE, Service())
    there.announce(2, PRICE)
    price = "at 0.01 USD = {} USD (the price list, read 2026-11-24)"
    assert told == [
        f"ce: 3 Cost Explorer request(s) {price.format('0.03')}; 0 of 2 USD spent in 2026-05",
        f"ce: 2 Cost Explorer request(s) {price.format('0.02')}; 0.01 of 2 USD spent in 2026-05",
    ]


def test_a_run_that_asks_nothing_needs_no_consent_and_says_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    landing(tmp_path, tell=told.append).announce(0, PRICE)
    assert told == []


def test_a_run_that_would_pass_the_cap_is_refused_with_the_figures(tmp_path: Path) -> None:
    there = landing(tmp_path, allow_paid="yes", monthly_cap_usd="0.03")
    there.announce(3, PRICE)
    there.paid("a", PRICE, Service())
    with pytest.raises(ConfigError) as refused:
        there.announce(3, PRICE)
    assert "would pass the cap of 0.03 USD per month: 0.01 USD are spent in 2026-05" in refused.value.message
    assert refused.value.exit_code == 4
    there.announce(2, PRICE)


def test_more_pages_than_planned_stop_at_the_cap(tmp_path: Path) -> None:
    service = Service()
    there = landing(tmp_path, allow_paid="yes", monthly_cap_usd="0.02")
    there.announce(1, PRICE)
    for page in ("1", "2"):
        there.paid(page, PRICE, service)
    with pytest.raises(ConfigError, match="would pass the cap"):
        there.paid("3", PRICE, service)
    assert service.asked == 2
    assert spent(tmp_path, MAY) == {"ce": Decimal("0.02")}


@pytest.mark.parametrize("cap", ["a dollar", "-1", "NaN", "Infinity"])
def test_a_cap_that_is_no_amount_is_refused(tmp_path: Path, cap: str) -> None:
    with pytest.raises(ConfigError, match="monthly_cap_usd is"):
        landing(tmp_path, allow_paid="yes", monthly_cap_usd=cap).announce(1, PRICE)


def test_a_request_is_booked_before_it_is_made_so_a_kill_still_counts(tmp_path: Path) -> None:
    there = landing(tmp_path, allow_paid="yes")

    def killed() -> None:
        assert spent(tmp_path, MAY) == {"ce": Decimal("0.01")}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        there.paid("k", PRICE, killed)
    assert spent(tmp_path, MAY) == {"ce": Decimal("0.01")}
    assert there.kept("k") is None


def test_the_same_question_on_the_same_day_is_answered_from_disk(tmp_path: Path) -> None:
    service = Service()
    for _ in range(3):
        assert landing(tmp_path, allow_paid="yes").paid("k", PRICE, service) == {"answer": 1}
    assert service.asked == 1
    assert spent(tmp_path, MAY) == {"ce": Decimal("0.01")}


def test_an_open_answer_is_asked_again_the_next_day_a_final_one_never(tmp_path: Path) -> None:
    service = Service()
    today = landing(tmp_path, allow_paid="yes")
    today.paid("open", PRICE, service)
    today.keep("closed", today.paid("closed", PRICE, service))
    tomorrow = landing(tmp_path, NEXT_MONTH, allow_paid="yes")
    assert tomorrow.paid("open", PRICE, service) == {"answer": 3}
    assert tomorrow.paid("closed", PRICE, service) == {"answer": 2}


def test_answers_of_other_days_do_not_pile_up(tmp_path: Path) -> None:
    today = landing(tmp_path, allow_paid="yes")
    today.keep("closed", today.paid("closed", PRICE, Service()))
    landing(tmp_path, NEXT_MONTH, allow_paid="yes").paid("open", PRICE, Service())
    kept = sorted(str(path.parent.name) for path in (tmp_path / "paid" / "answers").glob("*/*.json"))
    assert kept == ["2026-06-01", "final"]


def test_a_new_month_has_a_new_cap(tmp_path: Path) -> None:
    may = landing(tmp_path, allow_paid="yes", monthly_cap_usd="0.01")
    may.paid("a", PRICE, Service())
    with pytest.raises(ConfigError, match="spent in 2026-05"):
        may.paid("b", PRICE, Service())
    landing(tmp_path, NEXT_MONTH, allow_paid="yes", monthly_cap_usd="0.01").paid("b", PRICE, Service())
    assert spent(tmp_path, MAY) == spent(tmp_path, JUNE) == {"ce": Decimal("0.01")}


def test_two_sources_have_a_cap_and_answers_each(tmp_path: Path) -> None:
    service = Service()
    for source in ("ce", "other"):
        landing(tmp_path, source=source, allow_paid="yes", monthly_cap_usd="0.01").paid("k", PRICE, service)
    assert service.asked == 2
    assert spent(tmp_path, MAY) == {"ce": Decimal("0.01"), "other": Decimal("0.01")}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"2026-05": {"ce": {"x": {"usd": "much"}}}}', '{"2026-05": 3}'])
def test_a_damaged_ledger_stops_all_spending(tmp_path: Path, text: str) -> None:
    (tmp_path / "paid").mkdir()
    (tmp_path / "paid" / "spent.json").write_text(text)
    with pytest.raises(ConfigError, match="is damaged"):
        landing(tmp_path, allow_paid="yes").paid("k", PRICE, Service())


def test_the_ledger_says_how_many_requests_of_what(tmp_path: Path) -> None:
    there = landing(tmp_path, allow_paid="yes")
    for key in "abc":
        there.paid(key, PRICE, Service())
    assert json.loads((tmp_path / "paid" / "spent.json").read_text()) == {
        "2026-05": {"ce": {"Cost Explorer request": {"requests": 3, "usd": "0.03"}}}
    }


@pytest.mark.parametrize("text", ["{", "{}", "[]", ""])
def test_a_broken_kept_answer_is_asked_again(tmp_path: Path, text: str) -> None:
    service = Service()
    landing(tmp_path, allow_paid="yes").paid("k", PRICE, service)
    (kept,) = (tmp_path / "paid" / "answers").glob("*/*.json")
    kept.write_text(text)
    assert landing(tmp_path, allow_paid="yes").paid("k", PRICE, service) == {"answer": 2}
