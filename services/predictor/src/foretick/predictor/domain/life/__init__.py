"""The life of a model after its training: trial, promotion, rollback, drift, retraining."""
