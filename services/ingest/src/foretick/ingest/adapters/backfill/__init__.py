"""Trades and bars of the past, from the venues' REST sides into Parquet."""
