"""``foretick models``: which models there are, which one serves and why; and a person's word on it."""
