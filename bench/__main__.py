"""Compares Turnstile with other systems and with floors: `make bench`, or `python -m bench`."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from deploy.errors import InstallError
from deploy.servers.private import ServerError

from bench import arguments, page, report
from bench.comparison import Result, compare
from bench.errors import BenchError
from bench.machine import Circumstances, circumstances
from bench.servers import Servers
from bench.workload import Size


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code."""
    asked = arguments.parse(argv)
    found = circumstances(sys.argv[1:] if argv is None else argv)
    results: list[Result] = []
    try:
        for contestant in asked.contestants:
            contestant.install()
        with tempfile.TemporaryDirectory(prefix="turnstile-bench-") as name, Servers(Path(name)) as servers:
            for workload in asked.workloads:
                size = Size(
                    asked.jobs or workload.jobs,
                    asked.clients,
                    (asked.history or workload.history) if workload.history else 0,
                )
                result = compare(
                    workload,
                    asked.contestants,
                    size,
                    asked.rounds,
                    asked.workers,
                    folder=Path(name),
                    servers=servers,
                )
                results.append(result)
                _show(result)
        if table := report.growth_table(results):
            print(f"The same work with more in the store, in this run:\n\n{table}")
    except (BenchError, InstallError, ServerError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if results:
            print(f"\n{found.sentence}\nAll figures: {_write(asked.results, results, found)}")
    if asked.is_full and not asked.no_page:
        page.write(asked.page, results, found.sentence)
        print(f"Written to {asked.page}.")
    return 1 if any(summary.overlaps for result in results for summary in result.summaries) else 0


def _show(result: Result) -> None:
    print(f"\n{result.workload.title}\n\n{report.heading(result)}\n")
    print(f"{report.main_table(result)}\n\n{report.process_table(result)}\n", flush=True)


def _write(folder: Path, results: Sequence[Result], found: Circumstances) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    figures = {**asdict(found), "results": [report.document(result) for result in results]}
    file.write_text(json.dumps(figures, indent=1))
    return file


if __name__ == "__main__":
    raise SystemExit(main())
