"""What a result was made with: sources and library versions."""
