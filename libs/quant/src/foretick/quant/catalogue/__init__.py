"""The features as data, a file a family: names, formulas, units, ranges, warm-ups, sources. ``registry`` joins them.

Nothing here is compiled and nothing here computes: who only needs names and labels imports no compiler. Each family's
arithmetic is in the file of ``quant.kernel`` that its docstring names.
"""
