"""``foretick features``: what the features are, and the proofs that they are it."""
