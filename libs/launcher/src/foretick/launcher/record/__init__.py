"""The record as a whole: exported, backed up, restored."""
