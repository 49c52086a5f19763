"""Binance spot, and whatever speaks its protocol."""
