"""A message about a port that is taken names the process that has it."""

import os
import socket

import psutil
from deploy.processes.ports import LOOPBACK, taken


def test_the_process_that_listens_on_a_port_is_named():
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        message = taken(port, "the publisher", "TURNSTILE_PUBLISHER_PORT")
    name = psutil.Process().name()
    assert f"Port {port}, which the publisher needs, is taken by {name}, process {os.getpid()}." in message
    assert "Set TURNSTILE_PUBLISHER_PORT to another port" in message


def test_a_port_on_which_no_process_listens_has_no_owner_to_name():
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as client:
            message = taken(client.getsockname()[1], "the publisher", "TURNSTILE_PUBLISHER_PORT")
    assert "is taken by a process of another user" in message
