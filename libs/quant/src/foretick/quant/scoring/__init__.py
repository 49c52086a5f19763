"""How good probabilities are, and how sure one can be of it. Pure.

Every score is a function of sums over rows, so that a bootstrap resamples sums of stretches of time and computes each
score of each resample from them: ``tallies`` makes the columns to be summed and the scores, ``bootstrap`` resamples.
"""
