"""The record in the database as training data."""
