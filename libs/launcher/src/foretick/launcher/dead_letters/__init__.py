"""``foretick dlq``: look at what services could not use, publish it again once it can be used, or forget it."""
