"""One folder for each outside thing."""
