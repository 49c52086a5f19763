"""The whole system under test, and what can be done to it: for end-to-end tests, long proofs and benchmarks.

``system`` runs Foretick as its operator does; ``proxy``, ``processes`` and ``stuck_clients`` break it; ``follower``
watches it from outside; ``verdict`` judges what is left.
"""

from foretick.launcher.testing.system import ROLES, System, Usage, prediction_of, run_apart, updates, wait_until

__all__ = ["ROLES", "System", "Usage", "prediction_of", "run_apart", "updates", "wait_until"]
