"""Run every benchmark and write the figures to docs/benchmarks.md.

``python -m tests.bench`` runs all ``tests/bench/bench_*.py``; names as arguments run those only and replace their
sections. A benchmark is a module with ``TITLE`` and ``run() -> list[Row]``.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.measure import ROOT, Row, machine

PAGE = ROOT / "docs" / "benchmarks.md"
STORE = ROOT / "docs" / "benchmarks.json"
INTRO = """# Benchmarks

Written by `python -m tests.bench`; do not edit. Ratios are medians of interleaved pairs of fresh processes, judged on
CPU time; peak memory is that of a fresh process. Reproduce one section with `python -m tests.bench NAME`.
"""


def section(title: str, name: str, rows: list[Row]) -> dict[str, Any]:
    """Return a benchmark's results as they are stored."""
    return {"title": title, "name": name, "machine": machine(), "rows": [asdict(row) for row in rows]}


def page(sections: list[dict[str, Any]]) -> str:
    """Return docs/benchmarks.md."""
    lines = [INTRO]
    for part in sections:
        lines += [f"## {part['title']}", "", f"`{part['name']}`; {part['machine']}.", ""]
        lines += ["| claim | measured | goal | met |", "|---|---|---|---|"]
        for row in part["rows"]:
            met = {True: "yes", False: "**no**", None: "-"}[row["met"]]
            lines.append(f"| {row['claim']} | {row['figure']} | {row['goal']} | {met} |")
        details = [row for row in part["rows"] if row["details"]]
        lines += ["", *(f"- {row['claim']}: `{json.dumps(row['details'])}`" for row in details), ""]
    return "\n".join(lines).rstrip() + "\n"


def main(names: list[str]) -> int:
    """Run the named benchmarks (all when none is named) and rewrite the page."""
    stored: dict[str, dict[str, Any]] = {}
    if STORE.exists():
        stored = {part["name"]: part for part in json.loads(STORE.read_text())}
    found = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    for name in names or found:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"running {name} ...", file=sys.stderr)
        result = section(module.TITLE, name, module.run())
        stored[name] = json.loads(json.dumps(result, default=str))
        sections = [stored[key] for key in sorted(stored)]
        STORE.write_text(json.dumps(sections, indent=1) + "\n")
        PAGE.write_text(page(sections))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
