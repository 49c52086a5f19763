"""The documentation of a model as sections of text, tables and figures, made from the record of its training."""
