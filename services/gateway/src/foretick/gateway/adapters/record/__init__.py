"""The record in the database."""
