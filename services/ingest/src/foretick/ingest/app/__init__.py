"""Wiring, a module a role. Each builder joins adapters, domain and bus, and returns."""

from foretick.ingest.app.feed import build_feed
from foretick.ingest.app.record import build_record
from foretick.ingest.app.simulate import build_simulate

BUILDERS = {"feed": build_feed, "record": build_record, "simulate": build_simulate}
