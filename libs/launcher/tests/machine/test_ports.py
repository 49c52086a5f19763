import os
import socket
import sys

import pytest

from foretick.common.runtime.embedded import is_port_free
from foretick.launcher.machine import ports


def test_port_that_somebody_listens_on_is_taken_and_its_owner_known():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_port_free(port)
        if sys.platform != "linux":
            pytest.skip("the owner of a port is known on Linux only")
        owner = ports.owner_of(port)
        assert owner is not None
        assert owner.pid == os.getpid()


def test_port_that_was_given_back_is_free_and_has_no_owner():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert is_port_free(port)
    assert ports.owner_of(port) is None


def test_free_ports_are_distinct():
    assert len(set(ports.distinct_free_ports(20))) == 20
