"""OKX V5."""
