"""``costlab prices show|update|check``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import FormatOption, Output
from costlab.cli._output import emit, say_error
from costlab.cli._state import STATE

prices = typer.Typer(
    help="The price catalogue: look up, refresh from the clouds, compare sources.", no_args_is_help=True
)


@prices.command()
def show(
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="aws|azure|gcp", help="Only this cloud.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", metavar="ID", help="Only this region.")] = None,
    shape: Annotated[str | None, typer.Option("--shape", metavar="TYPE", help="Only this instance type.")] = None,
    service: Annotated[str | None, typer.Option("--service", metavar="CODE", help="Only this service.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only this kind: instance, disk, egress, ...")
    ] = None,
    os: Annotated[str | None, typer.Option("--os", metavar="OS", help="Only this operating system.")] = None,
    instrument: Annotated[
        str | None, typer.Option("--instrument", metavar="NAME", help="Only ondemand, spot, compute-sp, ...")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="Only from this source.")] = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Show prices, each with its date, source and confidence."""
    from costlab.lab.prices import ask_prices, prices_of

    wanted = {
        "provider": provider, "region_id": region, "shape": shape, "service_code": service, "resource_kind": kind,
        "os": os, "instrument": instrument, "x_source": source,
    }  # fmt: skip
    settings = STATE.settings()
    with prices_of(settings) as db:
        emit(ask_prices(db, wanted, settings.discounts), form, output)


@prices.command()
def check(form: FormatOption = None, output: Output = None) -> None:
    """Compare sources: prices that differ by more than 0.5 %, discounts outside 0..92 %, shapes out of line."""
    from costlab.lab.prices import ask_doubts, prices_of

    settings = STATE.settings()
    with prices_of(settings) as db:
        emit(ask_doubts(db, settings.discounts), form, output)


@prices.command()
def update(form: FormatOption = None, output: Output = None) -> None:
    """Load the configured price sources again; exits with 4 when there is none."""
    from costlab.discover import connector
    from costlab.errors import ConfigError
    from costlab.interfaces.connector import Dataset
    from costlab.lab.loading import load_and_publish

    settings = STATE.settings()
    sources = [source for source in settings.sources if connector(source.connector).dataset is Dataset.PRICES]
    if not sources:
        raise ConfigError(
            "no price source is configured", hint='Write [[sources]] with connector = "aws-prices" in costlab.toml'
        )
    done = load_and_publish(settings, sources, progress=STATE.note)
    emit(done.answer(), form, output)
    for error in done.errors:
        say_error(error.message, error.hint)
    raise typer.Exit(done.exit_code)
