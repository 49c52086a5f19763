"""Recordings as files of events, through the code that runs live: what evaluation and training read."""
