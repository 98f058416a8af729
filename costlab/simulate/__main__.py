"""Command line of the simulator: ``python -m costlab.simulate --out FOLDER --end YYYY-MM-DD``.

The samples of the repository are made with ``python -m costlab.simulate --out data/samples --samples``.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from costlab.errors import CostlabError
from costlab.period import parse_day
from costlab.simulate.azure import simulate_azure
from costlab.simulate.gcp import simulate_gcp
from costlab.simulate.simulation import RENDERINGS, SCALES, simulate

SAMPLE_END = date(2026, 3, 1)
SAMPLE_MONTHS = 2
SAMPLE_RENDERINGS = ("cur2", "legacy", "focus")
SAMPLE_SEED = 7


def sample(folder: Path) -> None:
    """Write the samples of the repository: January and February 2026 of the tiny company, on Azure February only."""
    simulate(folder, seed=SAMPLE_SEED, end=SAMPLE_END, months=SAMPLE_MONTHS, scale="tiny", renderings=SAMPLE_RENDERINGS)
    simulate_gcp(folder / "gcp", seed=SAMPLE_SEED, end=SAMPLE_END, months=SAMPLE_MONTHS, scale="tiny")
    simulate_azure(folder / "azure", seed=SAMPLE_SEED, end=SAMPLE_END, months=1, scale="tiny")


def main(arguments: list[str] | None = None) -> int:
    """Simulate a company and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m costlab.simulate", description="Simulate an AWS company's bill.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument(
        "--samples", action="store_true", help="write the repository's samples; other options are fixed"
    )
    parser.add_argument("--end", default=str(SAMPLE_END), help="first day that is not simulated, YYYY-MM-DD")
    parser.add_argument("--months", type=int, default=6, help="calendar months, the last one to date")
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    parser.add_argument("--scale", default="small", help=" | ".join(SCALES))
    parser.add_argument("--rows", type=int, help="about how many line items, instead of a scale")
    parser.add_argument("--renderings", default="cur2", help=f"comma-separated: {', '.join(RENDERINGS)}")
    parser.add_argument("--discount", type=int, default=6, help="enterprise discount in percent, 0 for none")
    parser.add_argument("--deliveries", action="store_true", help="also write the last closed month as it came in")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.samples:
            sample(chosen.out)
            return 0
        simulate(
            chosen.out,
            seed=chosen.seed,
            end=parse_day(chosen.end),
            months=chosen.months,
            scale=chosen.scale,
            rows=chosen.rows,
            renderings=tuple(chosen.renderings.split(",")),
            discount_percent=chosen.discount,
            with_deliveries=chosen.deliveries,
            progress=lambda text: print(text, file=sys.stderr),
        )
    except CostlabError as error:
        print(error.message, error.hint, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
