"""Finds the venues' folders."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from .oracle import Course
from .source import Source

_VENUES = Path(__file__).parents[1]
_MODULES = [
    import_module(f"{__package__.rpartition('.')[0]}.{path.parent.name}.sources")
    for path in sorted(_VENUES.glob("*/sources.py"))
]

SOURCES: Mapping[str, Callable[[], Source]] = {
    name: load for module in _MODULES for name, load in module.SOURCES.items()
}
CAPTURES: Mapping[str, tuple[str, Sequence[Callable[[], Source]]]] = {
    name: read for module in _MODULES for name, read in module.CAPTURES.items()
}


@cache
def source_of(name: str) -> Source:
    """Return a source by its name, or skip the test where its recording is absent."""
    return SOURCES[name]()


@cache
def course_of(name: str) -> Course:
    """Return what the venue of a source says of its books."""
    return Course(source_of(name))
