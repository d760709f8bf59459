"""The stack in containers does the main job, survives a killed worker, and has no rights it does not need."""

import subprocess
import sys

import pytest
from deploy import ROOT
from tests.containers.compose_stack import ComposeStack, docker

OURS = ("publisher", "worker", "audit-projector", "scheduler", "dashboard")
UPSTREAM = ("rabbitmq", "azurite")
FIRST_USER_OF_OURS = 10_000

# The images are built within the first test's time.
pytestmark = pytest.mark.timeout(1200)


def test_the_demo_holds(stack: ComposeStack) -> None:
    command = [sys.executable, "-m", "deploy.demo"]
    done = subprocess.run(command, cwd=ROOT, env=stack.environment, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("service", OURS)
def test_our_containers_have_no_rights(stack: ComposeStack, service: str) -> None:
    for container in stack.containers(service):
        host = stack.inspect(container)["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        facts = dict(
            line.split(":\t")
            for line in docker("exec", container, "cat", "/proc/self/status").splitlines()
            if ":\t" in line
        )
        assert int(facts["Uid"].split("\t")[0]) > FIRST_USER_OF_OURS
        assert int(facts["CapBnd"], 16) == 0
        assert facts["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize("service", OURS)
def test_our_containers_cannot_change_their_files(stack: ComposeStack, service: str) -> None:
    (container, *_) = stack.containers(service)
    assert subprocess.run(["docker", "exec", container, "touch", "/app/x"], check=False).returncode != 0
    docker("exec", container, "touch", "/tmp/x")
    docker("exec", container, "rm", "/tmp/x")


@pytest.mark.parametrize("service", UPSTREAM)
def test_the_servers_have_no_capabilities(stack: ComposeStack, service: str) -> None:
    (container,) = stack.containers(service)
    host = stack.inspect(container)["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]


@pytest.mark.parametrize("service", [*OURS, *UPSTREAM])
def test_ports_are_open_to_this_machine_only(stack: ComposeStack, service: str) -> None:
    for container in stack.containers(service):
        ports = stack.inspect(container)["NetworkSettings"]["Ports"]
        assert {binding["HostIp"] for bindings in ports.values() for binding in bindings or ()} <= {
            "127.0.0.1"
        }


@pytest.mark.parametrize("service", OURS)
def test_containers_may_take_longer_to_stop_than_their_jobs(stack: ComposeStack, service: str) -> None:
    (container, *_) = stack.containers(service)
    assert stack.inspect(container)["Config"]["StopTimeout"] >= 30


def test_a_job_outlives_the_container_of_its_worker(stack: ComposeStack) -> None:
    job_id = stack.submit(kind="ten-steps", lock="containers", parameters={"steps": 10, "seconds": 0.5})
    next_id = stack.submit(kind="ten-steps", lock="containers", parameters={"steps": 1, "seconds": 0.1})
    running = stack.wait_for(job_id, "Running", seconds=30)
    victim = running["worker"].rpartition("-")[0]
    docker("kill", "--signal", "KILL", victim)
    ended = stack.wait_for(job_id, "Completed", seconds=90)
    assert ended["interruptions"] == 1
    assert not ended["worker"].startswith(victim)
    stack.wait_for(next_id, "Completed", seconds=30)
    stack.make("up")
    assert len(stack.containers("worker")) == 2


def test_workers_scale(stack: ComposeStack) -> None:
    stack.make("scale", "n=3")
    assert len(stack.containers("worker")) == 3


def test_state_survives_down_and_up(stack: ComposeStack) -> None:
    job_id = stack.submit(kind="ten-steps", lock="containers", parameters={"steps": 2, "seconds": 0.1})
    stack.wait_for(job_id, "Completed", seconds=60)
    stack.make("down")
    assert not stack.compose("ps", "--all", "--quiet").strip()
    stack.make("up")
    assert stack.get(f"/api/v1/jobs/{job_id}")["status"] == "Completed"
    later = stack.submit(kind="ten-steps", lock="containers", parameters={"steps": 1, "seconds": 0.1})
    stack.wait_for(later, "Completed", seconds=60)


def test_a_killed_storage_loses_nothing(stack: ComposeStack) -> None:
    job_id = stack.submit(kind="ten-steps", lock="containers", parameters={"steps": 2, "seconds": 0.1})
    stack.wait_for(job_id, "Completed", seconds=60)
    (container,) = stack.containers("azurite")
    docker("kill", "--signal", "KILL", container)
    stack.make("up")
    assert stack.get(f"/api/v1/jobs/{job_id}")["status"] == "Completed"
    later = stack.submit(kind="ten-steps", lock="containers", parameters={"steps": 1, "seconds": 0.1})
    stack.wait_for(later, "Completed", seconds=60)
    (container,) = stack.containers("azurite")
    assert "__azurite_db_table__.db" in docker("exec", container, "ls", "/data")
