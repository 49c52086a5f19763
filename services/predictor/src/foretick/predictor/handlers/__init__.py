"""Messages in, domain calls, messages out: ``serving`` for the live predictor, ``training`` for a training run."""
