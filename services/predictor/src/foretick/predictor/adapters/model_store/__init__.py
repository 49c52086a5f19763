"""The JetStream Object Store that holds the graphs."""
