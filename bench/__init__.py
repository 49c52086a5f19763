"""The figures the project is held to, one module a figure; ``make bench [ONLY=id]`` runs them."""
