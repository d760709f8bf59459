"""What Locust loads: a class of users for each scenario, and what happens when a test starts and ends.

Started by `python -m loadtest`, which makes the plan.
"""

import json
import sys
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.web import WebUI

from loadtest import page
from loadtest.plan import Plan
from loadtest.publishing import Publisher, user_class
from loadtest.running import LoadRun, watch
from loadtest.scenario import discover

globals().update({kind.__name__: user_class(kind) for kind in discover().values()})


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any) -> None:
    parser.add_argument("--plan", type=Path, required=True, include_in_web_ui=False, help="the plan's file")


@events.init.add_listener
def _init(environment: Environment, web_ui: WebUI | None, **_: Any) -> None:
    options: Any = environment.parsed_options
    environment.load_plan = Plan.read(options.plan)  # type: ignore[attr-defined]
    environment.load_run = None  # type: ignore[attr-defined]
    if web_ui is not None:
        page.add_to(web_ui, lambda: environment.load_run)  # type: ignore[attr-defined]


@events.test_start.add_listener
def _test_start(environment: Environment, **_: Any) -> None:
    kinds = [users.scenario for users in environment.user_classes if issubclass(users, Publisher)]
    run = LoadRun(environment.load_plan, kinds, environment)  # type: ignore[attr-defined]
    environment.load_run = run  # type: ignore[attr-defined]
    gevent.spawn(_end_when_submitted, environment, run)
    if environment.web_ui is None:
        gevent.spawn(watch, run, _say)


@events.test_stop.add_listener
def _test_stop(environment: Environment, **_: Any) -> None:
    if environment.web_ui is None:
        # Before Locust writes its report, which is to have the jobs' times too.
        _finish(environment)
    else:
        # The page must stay alive during that.
        gevent.spawn(_finish, environment)


def _finish(environment: Environment) -> None:
    run: LoadRun = environment.load_run  # type: ignore[attr-defined]
    if run.stage != "submitting":
        return
    verdict = run.finish()
    run.plan.verdict_file.write_text(json.dumps(verdict.document(), indent=1))
    environment.process_exit_code = verdict.exit_code


def _end_when_submitted(environment: Environment, run: LoadRun) -> None:
    while run.is_submitting():
        gevent.sleep(0.2)
        if run.stage != "submitting":
            return  # stopped by hand; the next test may be on its way
    runner: Any = environment.runner
    if environment.web_ui is None:
        runner.quit()
    else:
        runner.stop()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
