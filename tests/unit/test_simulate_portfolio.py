"""The company owns every kind of commitment and renews what it needs."""

from __future__ import annotations

from datetime import date

from costlab.simulate.commitments import TERM_HOURS, Instrument
from costlab.simulate.company import build


def test_every_instrument_and_payment_option_is_owned() -> None:
    owned = build(1, date(2026, 1, 1), date(2026, 7, 1)).commitments
    assert {c.instrument for c in owned} == set(Instrument)
    for plans in (True, False):
        assert {c.payment for c in owned if c.is_plan is plans} == {"No Upfront", "Partial Upfront", "All Upfront"}
    assert len({c.id for c in owned}) == len(owned)


def test_terms_that_end_are_followed_by_a_renewal_except_one() -> None:
    company = build(1, date(2024, 1, 1), date(2026, 7, 1))
    ended = [c for c in company.commitments if c.stop < company.estate.hours]
    followed = [c for c in ended if any(n.start == c.stop and n.hourly == c.hourly for n in company.commitments)]
    assert len(ended) - len(followed) == 1
    assert len({c.id for c in company.commitments}) == len(company.commitments)


def test_upfront_is_the_amortised_share_over_the_whole_term() -> None:
    for owned in build(3, date(2026, 1, 1), date(2026, 7, 1)).commitments:
        assert owned.upfront == owned.upfront_hourly * TERM_HOURS[owned.years] * 100
        assert owned.upfront_hourly * 2 == owned.hourly * owned.upfront_halves


def test_a_larger_company_has_more_machines_and_the_same_waste() -> None:
    small, large = (build(1, date(2026, 1, 1), date(2026, 4, 1), size=size) for size in (1, 5))
    assert len(large.estate.instances) > 3 * len(small.estate.instances)
    assert [w.kind for w in large.waste if w.kind != "unattached_volume"] == [
        w.kind for w in small.waste if w.kind != "unattached_volume"
    ]


def test_account_ids_are_text_of_twelve_digits_some_with_leading_zeros() -> None:
    ids = [a.id for a in build(1, date(2026, 1, 1), date(2026, 2, 1)).estate.accounts]
    assert all(len(i) == 12 and i.isdigit() for i in ids)
    assert any(i.startswith("0") for i in ids)
    assert any(not i.startswith("0") for i in ids)
