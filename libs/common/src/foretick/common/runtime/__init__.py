"""The runtime every service stands on: bus, planes, store, settings, logging, metrics, health and the bootstrap.

The one place that touches sockets, clocks and the environment. Nothing about markets belongs here.
"""
