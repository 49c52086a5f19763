"""The audit trail of the models."""
