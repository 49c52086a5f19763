"""What the feed does, without I/O."""
