"""Binance: spot, USD-M and COIN-M futures, and whatever speaks as its spot market."""
