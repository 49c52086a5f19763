"""OKX V5: spot and perpetual swaps."""
