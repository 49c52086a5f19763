"""The simulated exchange's outside: its socket and REST server, its checkpoint, and its frames as a recording."""

from foretick.ingest.adapters.simulator.recording import frames

__all__ = ["frames"]
