"""The command that measures the share of the attainable edge."""
