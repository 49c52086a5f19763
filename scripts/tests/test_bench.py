"""Every figure's module can be loaded: benches run rarely, and what they import moves meanwhile."""

import importlib

import pytest
from bench.__main__ import MODULES


@pytest.mark.parametrize("name", MODULES)
def test_module_of_a_figure_loads_and_measures(name: str):
    assert callable(importlib.import_module(f"bench.{name}").measure)
