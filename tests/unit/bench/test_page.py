"""The page with the results: a measurement changes its own part and nothing else."""

from dataclasses import replace

import pytest
from bench import page, report
from bench.comparison import Result
from bench.contestants.single_active_consumer import SingleActiveConsumer
from bench.contestants.turnstile import Turnstile
from bench.figures import Summary, Turn
from bench.workload import Size
from bench.workloads.long_line import LongLine
from bench.workloads.one_lock import OneLock
from bench.workloads.submissions import Submissions


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "results.md"
    found.write_text("# Results\n\n## Load\n\nwritten by hand\n")
    return found


def result(workload=None, rate=10.0):
    contestants = (Turnstile(), SingleActiveConsumer())
    turns = (
        Turn(4, rate, gaps=(0.01,), requests={"worker": 8.0}, processor={"worker": 0.4}),
        Turn(4, 2 * rate, gaps=(0.01,), requests={"worker": 8.0}, processor={"worker": 0.4}),
    )
    floor = (Turn(4, 100.0, gaps=(0.001,)), Turn(4, 100.0, gaps=(0.001,), overlaps=3))
    summaries = (Summary(contestants[0].name, turns), Summary(contestants[1].name, floor))
    return Result(workload or OneLock(), Size(4), summaries, contestants)


def test_the_section_comes_behind_what_is_there(file):
    page.write(file, [result()], "stated so")
    text = file.read_text()
    assert text.startswith("# Results\n\n## Load\n\nwritten by hand\n\n<!-- bench: begin -->\n## Speed\n")
    assert "### One lock, a backlog\n" in text
    assert "\nstated so\n" in text


def test_a_new_measurement_replaces_the_old_one_and_leaves_all_others(file):
    page.write(file, [result(), result(Submissions(), rate=33.0)], "stated first")
    file.write_text(file.read_text() + "\n## Behind\n")
    page.write(file, [result(rate=77.0)], "stated later")
    text = file.read_text()
    assert text.count("### One lock, a backlog") == text.count("### Submissions alone") == 1
    assert (
        text.index("### One lock, a backlog") < text.index("### Submissions alone") < text.index("## Behind")
    )
    assert "| 115.5 " in text
    assert "| 49.5 " in text
    assert (text.count("stated first"), text.count("stated later")) == (1, 1)
    assert "written by hand" in text


def test_writing_the_same_again_changes_nothing(file):
    page.write(file, [result()], "stated so")
    before = file.read_text()
    page.write(file, [result()], "stated so")
    assert file.read_text() == before


def test_the_table_has_rates_ratios_gaps_and_overlaps(file):
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in report.main_table(result()).split("\n")
    ]
    head, _, ours, floor = lines
    row, other = (dict(zip(head[1:], cells[1:], strict=True)) for cells in (ours, floor))
    assert row["per second"] == "15.0"
    assert row["lowest and highest round"] == "10.0, 20.0"
    assert other["Turnstile against it"] == "0.15"
    assert row["gap p50, p99 (ms)"] == "10.0, 10.0"
    assert row["processor ms per job"] == "100.0"
    assert row["requests per job"] == "2.0"
    assert (row["overlaps"], other["overlaps"]) == ("0", "3")


def test_rates_with_much_in_the_store_are_compared_with_those_with_little():
    table = report.growth_table([result(), result(Submissions()), result(LongLine(), rate=5.0)])
    head, _, ours, floor = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.split("\n")]
    assert head == ["", "long-line against one-lock"]
    assert (ours, floor) == (["Turnstile", "0.50"], ["RabbitMQ, single active consumer", "1.00"])


def test_nothing_is_compared_with_a_workload_that_was_not_measured():
    assert report.growth_table([result()]) is None
    assert report.growth_table([result(LongLine())]) is None


def test_a_system_that_did_only_one_of_two_workloads_is_not_compared():
    little, much = result(), result(LongLine())
    table = report.growth_table([replace(little, summaries=little.summaries[:1]), much])
    assert table is not None
    assert "RabbitMQ" not in table


def test_a_rate_of_nothing_has_no_ratio():
    nothing = replace(
        result(), summaries=(result().summaries[0], Summary("idle one", (Turn(4, 0.0), Turn(4, 0.0))))
    )
    assert report.document(nothing)["contestants"]["idle one"]["against"] is None
    assert "idle one" in report.main_table(nothing)


def test_figures_for_programs_have_every_contestant():
    found = report.document(result())["contestants"]
    assert found["Turnstile"]["against"] == 1.0
    assert found["Turnstile"]["gaps_p99_ms"] == 10.0
    assert found["RabbitMQ, single active consumer"]["overlaps"] == 3
