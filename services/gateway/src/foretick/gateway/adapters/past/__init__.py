"""What the streams have kept of how models did."""
