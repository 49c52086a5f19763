"""The feature service: ticks and order books in, feature vectors out. See README.md."""
