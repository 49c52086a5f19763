"""The ends of JetStream streams, for taking up where a predecessor stopped."""
