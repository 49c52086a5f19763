"""The built web app on disk."""
