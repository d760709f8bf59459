"""`make load`: prepare a stack, have Locust run each scenario, and print the verdicts. See `--help`."""

import json
import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy import ROOT
from deploy.errors import StackError
from deploy.processes.ports import LOOPBACK, answers

from loadtest import arguments, proof, screen, target
from loadtest.plan import Plan
from loadtest.report import put_into_report
from loadtest.scenario import Scenario, ScenarioError, discover
from loadtest.target import Target, TargetError
from loadtest.thresholds import ThresholdError, read_thresholds
from loadtest.verdict import Verdict, exit_code

_UNUSABLE = 2
_STOPPED = 130


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    # Like Ctrl-C: otherwise Locust and the effect sink would outlive this process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        scenarios = discover()
        asked = arguments.parse(scenarios)
        if asked.list:
            screen.show_scenarios(screen.make_console(), scenarios)
            return 0
        read_thresholds(asked.thresholds, list(scenarios))
        prepared = target.prepare(asked.workers, asked.runtime)
        if asked.otel:
            _refuse_without_collector(prepared.collector)
        if asked.ui:
            return _show_page(asked, prepared)
        return _run_all(asked, prepared, scenarios)
    except (ScenarioError, ThresholdError, TargetError, StackError) as error:
        print(error, file=sys.stderr)
        return _UNUSABLE
    except KeyboardInterrupt:
        return _STOPPED


def _run_all(asked: Namespace, prepared: Target, scenarios: Mapping[str, type[Scenario]]) -> int:
    console = screen.make_console(stderr=asked.json)
    verdicts = []
    for name in asked.scenario:
        console.print(f"{name}: {scenarios[name].title()}", style="bold")
        verdict = _run(asked, prepared, scenarios[name])
        verdicts.append(verdict)
        screen.show_verdict(console, verdict, prepared.jaeger)
    screen.show_end(console, verdicts, str(asked.results))
    if asked.json:
        found = {
            "holds": all(verdict.holds for verdict in verdicts),
            "verdicts": [verdict.document() for verdict in verdicts],
        }
        print(json.dumps(found, indent=1))
    return exit_code(verdicts)


def _run(asked: Namespace, prepared: Target, kind: type[Scenario]) -> Verdict:
    if kind.disturbs() and prepared.runtime is None:
        said = "It does harm, which is done only to a stack of this folder: leave TURNSTILE_URL empty."
        return Verdict(kind.name(), kind.title(), [], unusable=said)
    results = (asked.results / kind.name()).resolve()
    results.mkdir(parents=True, exist_ok=True)
    users = asked.users or kind.users
    report = results / "report.html"
    with prepared.sink(results / "effects.jsonl") as sink:
        plan = _plan(asked, prepared, sink, results)
        plan.verdict_file.unlink(missing_ok=True)
        options = ["--headless", "--only-summary", "--users", str(users), "--spawn-rate", str(users)]
        options += ["--html", str(report), "--csv", str(results / "locust"), "--loglevel", "WARNING"]
        with (results / "locust.log").open("w") as output:
            code = _locust(asked, prepared, plan, [kind.__name__, *options], output)
    if not plan.verdict_file.exists():
        said = f"Locust ended with exit code {code} and left no verdict; see {results / 'locust.log'}"
        return Verdict(kind.name(), kind.title(), [], unusable=said)
    verdict = Verdict.from_document(json.loads(plan.verdict_file.read_text()))
    if report.exists():
        put_into_report(report, verdict)
        if asked.html:
            asked.html.mkdir(parents=True, exist_ok=True)
            (asked.html / f"{kind.name()}.html").write_text(report.read_text())
    return verdict


def _show_page(asked: Namespace, prepared: Target) -> int:
    results = (asked.results / "page").resolve()
    results.mkdir(parents=True, exist_ok=True)
    with prepared.sink(results / "effects.jsonl") as sink:
        plan = _plan(asked, prepared, sink, results)
        address = f"http://{LOOPBACK}:{asked.port}"
        print(
            f"  Locust       {address}\n  The verdict  {address}/verdict\n  Ctrl-C ends it.", file=sys.stderr
        )
        options = ["--class-picker", "--web-host", LOOPBACK, "--web-port", str(asked.port)]
        options += ["--users", str(asked.users or 20), "--spawn-rate", "20"]
        return _locust(asked, prepared, plan, options, None)


def _plan(asked: Namespace, prepared: Target, sink: str, results: Path) -> Plan:
    return Plan(
        url=prepared.url,
        sink=sink,
        ledger=str(results / "effects.jsonl"),
        results=str(results),
        thresholds=str(asked.thresholds.resolve()),
        verify=proof.installed_command(),
        seed=asked.seed,
        jobs=asked.jobs,
        seconds=asked.time,
        runtime=prepared.runtime,
        workers=prepared.workers,
        metrics=prepared.metrics,
        dashboard=prepared.dashboard,
        jaeger=prepared.jaeger,
    )


def _locust(asked: Namespace, prepared: Target, plan: Plan, options: list[str], output: Any) -> int:
    file = Path(plan.results) / "plan.json"
    plan.write(file)
    words = [sys.executable, "-m", "locust", "-f", str(Path(__file__).parent / "locustfile.py")]
    words += ["--host", plan.url, "--stop-timeout", "60", "--plan", str(file), *options]
    environment = {**os.environ, **proof.handed_on(prepared.environment)}  # noqa: TID251
    if prepared.runtime is not None:
        environment["RUNTIME"] = prepared.runtime
    if asked.otel:
        words.append("--otel")
        environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": prepared.collector,
            # Its gRPC would block Locust's loop.
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": "turnstile-load",
        }
    return subprocess.run(words, cwd=ROOT, env=environment, stdout=output, check=False).returncode


def _refuse_without_collector(endpoint: str) -> None:
    host, _, port = endpoint.rpartition("//")[2].strip("/").partition(":")
    if host in {LOOPBACK, "localhost"} and not answers(int(port or 80)):
        raise TargetError(
            f"Nothing takes traces at {endpoint}: start the stack with a collector, or leave --otel out."
        )


if __name__ == "__main__":
    raise SystemExit(main())
