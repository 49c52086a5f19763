"""The bus, as the feed needs it."""
