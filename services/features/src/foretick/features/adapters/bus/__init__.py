"""The data plane, as a publisher."""
