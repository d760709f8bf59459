"""The command: what it installs, writes, prints and ends with."""

import json
from types import SimpleNamespace

import pytest
from bench import __main__ as command
from bench import contestants
from bench.comparison import Result
from bench.contestants.turnstile import Turnstile
from bench.errors import BenchError
from bench.figures import Summary, Turn


@pytest.fixture
def run(monkeypatch, tmp_path):
    page = tmp_path / "results.md"
    page.write_text("# Results\n")
    found = SimpleNamespace(overlaps=0, trouble=None, page=page, sizes={}, installed=[])

    def compare(workload, contestants, size, rounds, workers, **_):
        found.sizes[workload.name] = size
        if found.trouble == workload.name:
            raise BenchError("it does not start")
        summary = Summary("Turnstile", (Turn(size.jobs, 10.0, overlaps=found.overlaps),))
        return Result(workload, size, (summary,), (Turnstile(),))

    def main(*words):
        return command.main([*words, "--page", str(page), "--results", str(tmp_path / "json")])

    monkeypatch.setattr(command, "compare", compare)
    for contestant in contestants.ALL:
        monkeypatch.setattr(type(contestant), "install", lambda self: found.installed.append(self.key))
    found.main = main
    found.figures = lambda: [json.loads(file.read_text()) for file in (tmp_path / "json").iterdir()]
    return found


def test_a_full_measurement_ends_with_0_and_is_on_the_page(run, capsys):
    assert run.main() == 0
    assert "### One lock, a backlog" in run.page.read_text()
    assert "Turnstile" in capsys.readouterr().out
    (figures,) = run.figures()
    assert figures["results"][0]["contestants"]["Turnstile"]["rates"] == [10.0]


def test_only_what_the_chosen_systems_need_is_installed(run):
    run.main("--quick", "--systems", "celery,turnstile")
    assert run.installed == ["turnstile", "celery"]


def test_overlaps_end_it_with_1(run):
    run.overlaps = 1
    assert run.main("--quick") == 1


def test_trouble_ends_it_with_2_and_keeps_what_was_measured_before(run, capsys):
    run.trouble = "many-locks"
    assert run.main() == 2
    assert "it does not start" in capsys.readouterr().err
    (figures,) = run.figures()
    assert [each["workload"] for each in figures["results"]] == ["one-lock", "while-submitting"]
    assert run.page.read_text() == "# Results\n"


@pytest.mark.parametrize("words", [["--quick"], ["--no-page"]], ids=" ".join)
def test_the_page_stays_when_it_must(run, words):
    assert run.main(*words) == 0
    assert run.page.read_text() == "# Results\n"


def test_only_a_workload_with_a_history_gets_one(run):
    run.main("--large", "--history", "70", "--no-page")
    assert {name: size.history for name, size in run.sizes.items() if size.history} == {"long-history": 70}
    assert run.sizes["long-line"].jobs == 10_000
