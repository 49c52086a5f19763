"""How much of what can be known of the simulated market the ensemble knows: its share of the oracle's edge. Pure."""
