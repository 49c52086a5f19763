"""The stream of market data, read back."""
