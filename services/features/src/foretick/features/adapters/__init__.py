"""One folder per outside thing."""
