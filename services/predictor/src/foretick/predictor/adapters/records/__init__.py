"""Records of training runs as files."""
