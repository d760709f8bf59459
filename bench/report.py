"""Lays the figures out: as Markdown, which is also readable in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.comparison import Result
from bench.figures import Summary, ratio

_NONE = "–"
#: The workloads that differ from another one in nothing but how much is in the store.
_FIRST, _GROWN = "one-lock", ("long-line", "long-history")


def heading(result: Result) -> str:
    """Return the sentence that says what was measured."""
    size = result.size
    words = [f"{size.jobs:,} {result.workload.unit}s, {size.clients} clients"]
    if size.history:
        words.append(f"{size.history:,} finished jobs in the store")
    words.append(f"{len(result.summaries[0].turns)} rounds")
    return f"{result.workload.about} {', '.join(words)}."


def main_table(result: Result) -> str:
    """Return the table of rates, ratios and times."""
    ours, unit = result.summaries[0], result.workload.unit
    head = [
        "",
        "per second",
        "lowest and highest round",
        f"{ours.contestant} against it",
        "gap p50, p99 (ms)",
        "gap to another worker",
        "submission p50, p99 (ms)",
        "overlaps",
        f"processor ms per {unit}",
        f"requests per {unit}",
        "trail lag p50, p99 (ms)",
    ]
    return _table(head, [_main_row(ours, each) for each in result.summaries])


def process_table(result: Result) -> str:
    """Return the table with what each process took."""
    unit = result.workload.unit
    head = ["", "process", f"processor ms per {unit}", f"requests per {unit}", "memory (MiB)"]
    rows = []
    for summary in result.summaries:
        processor, requests, memory = summary.processor(), summary.requests(), summary.memory()
        # A count of the whole store belongs to no process.
        names = dict.fromkeys([*processor, *(name for name in requests if name != "all")])
        for number, name in enumerate(names):
            rows.append(
                [
                    "" if number else summary.contestant,
                    name,
                    _number(processor.get(name), 2),
                    _number(requests.get(name), 1),
                    _number(memory.get(name), 0),
                ]
            )
    return _table(head, rows)


def growth_table(results: Sequence[Result]) -> str | None:
    """Return the table of the rates with much in the store against those with little, in the same run."""
    first = next((each for each in results if each.workload.name == _FIRST), None)
    others = [each for each in results if each.workload.name in _GROWN]
    if first is None or not others:
        return None
    base = {summary.contestant: summary.rate for summary in first.summaries}
    head = ["", *(f"{other.workload.name} against {first.workload.name}" for other in others)]
    found = [
        {
            each.contestant: each.rate / base[each.contestant]
            for each in other.summaries
            if each.contestant in base
        }
        for other in others
    ]
    return _table(head, [[name, *(_number(each.get(name), 2) for each in found)] for name in base])


def document(result: Result) -> dict[str, Any]:
    """Return all figures for programs; times are in seconds, memory is in bytes."""
    return {
        "workload": result.workload.name,
        "jobs": result.size.jobs,
        "clients": result.size.clients,
        "history": result.size.history,
        "contestants": {
            summary.contestant: {
                "rates": summary.rates,
                "rate": summary.rate,
                "against": ratio(result.summaries[0], summary),
                "overlaps": summary.overlaps,
                "repeated": summary.repeated,
                **{
                    f"{what}_p{percent}_ms": summary.milliseconds(what, percent)
                    for what in ("gaps", "gaps_to_others", "submissions", "lags")
                    for percent in (50, 99)
                },
                "processor_ms_per_job": summary.processor(),
                "requests_per_job": summary.requests(),
                "memory_mib": summary.memory(),
            }
            for summary in result.summaries
        },
    }


def _main_row(ours: Summary, summary: Summary) -> list[str]:
    low, high = min(summary.rates), max(summary.rates)
    return [
        summary.contestant,
        _number(summary.rate, 1),
        f"{low:.1f}, {high:.1f}",
        _NONE if summary is ours else _number(ratio(ours, summary), 2),
        _times(summary, "gaps"),
        _times(summary, "gaps_to_others"),
        _times(summary, "submissions"),
        str(summary.overlaps),
        _number(sum(summary.processor().values()), 1),
        _total(summary.requests()),
        _times(summary, "lags"),
    ]


def _times(summary: Summary, what: str) -> str:
    median, high = summary.milliseconds(what, 50), summary.milliseconds(what, 99)
    return _NONE if median is None or high is None else f"{median:.1f}, {high:.1f}"


def _total(values: Mapping[str, float]) -> str:
    return _number(sum(values.values()), 1) if values else _NONE


def _number(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:,.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
