"""What the predictor decides: when it speaks, what it says, how it is scored and whether a model may be published.

Pure: no I/O, clock, randomness, logging or environment. Where chance is needed a seeded generator is passed in.
"""
