"""Spin finds nothing in the protocol, and finds what is wrong with a mutant."""

from pathlib import Path

import pytest
from deploy.servers.installation import ensure_spin
from spec.cases import ALL, Case
from spec.checking import check
from spec.counterexample import readable


def case(name: str) -> Case:
    [found] = [each for each in ALL if each.name == name]
    return found


@pytest.fixture(autouse=True, scope="module")
def spin() -> None:
    ensure_spin()


def test_the_smallest_protocol_is_clean(tmp_path: Path) -> None:
    finding = check(case("quiet"), tmp_path)
    assert (finding.got, finding.violation) == ("clean", "")
    assert finding.states > 1000


def test_without_the_look_after_a_release_a_job_is_left_behind_and_the_way_there_can_be_read(
    tmp_path: Path,
) -> None:
    finding = check(case("no look after release"), tmp_path)
    assert (finding.got, finding.violation) == ("fails", "invalid end state")
    trail = list(readable(finding.case, tmp_path))
    assert trail[-1] == "No process can take a step, and a job has no end."
    assert any(line.startswith("Worker 1") and "lease=2" in line for line in trail)
