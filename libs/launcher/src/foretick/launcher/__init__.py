"""The ``foretick`` command: starts the whole system on one machine, watches it, and says what is wrong with it."""
