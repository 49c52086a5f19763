"""What every Foretick service shares: contracts, the subject table and the runtime.

``contracts``, ``subjects``, ``units``, ``clock`` and ``errors`` are pure; everything that touches the outside world
lives in ``runtime``. Nothing about one service's domain belongs here.
"""
