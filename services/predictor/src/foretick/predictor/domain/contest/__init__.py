"""The ensemble against its rivals on market data: what ``foretick evaluate`` does. Pure."""
