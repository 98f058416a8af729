"""``costlab ingest``."""

from __future__ import annotations

from typing import Annotated

import typer

from costlab.cli._options import FormatOption, Output, Period
from costlab.cli._output import emit, say_error
from costlab.cli._state import STATE
from costlab.errors import ConfigError, UsageError


def ingest(
    connector: Annotated[
        str | None, typer.Argument(metavar="CONNECTOR", help="What wrote the files; all configured sources without it.")
    ] = None,
    uri: Annotated[str | None, typer.Option("--from", metavar="URI", help="File, folder or glob.")] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="SOURCE", help="The source's name (default: the connector's), one per export."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of the source, such as profile=finops."),
    ] = None,
    period: Period = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Load one source, or all that are configured, and publish what changed.

    Exits with 3 if anything was rejected (its period stays as it was), 5 if rows were quarantined.
    """
    from costlab.lab.loading import load_and_publish
    from costlab.period import Month
    from costlab.settings import Source

    settings = STATE.settings()
    if connector is None:
        if uri:
            raise UsageError("--from needs a connector", hint="costlab ingest CONNECTOR --from URI")
        sources = [source for source in settings.sources if name in (None, source.name)]
        if not sources:
            raise ConfigError("no source is configured", hint="Write [[sources]] in costlab.toml (`costlab init`)")
    elif uri is None:
        raise UsageError(f"where are the files of {connector}?", hint=f"costlab ingest {connector} --from URI")
    else:
        sources = [Source(name or connector, connector, uri, _options(options or []))]
    month = Month.parse(period) if period else None
    done = load_and_publish(settings, sources, period=month, progress=STATE.note)
    emit(done.answer(), form, output)
    for error in done.errors:
        say_error(error.message, error.hint)
    raise typer.Exit(done.exit_code)


def _options(texts: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [text.partition("=") for text in texts]
    for name, separator, _ in pairs:
        if not name or not separator:
            raise UsageError(f"--option {name!r} is not KEY=VALUE", hint="For example --option profile=finops")
    return tuple((name, value) for name, _, value in pairs)
