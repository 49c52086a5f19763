"""Message -> domain -> publish: ``frames`` folds what arrives, ``recovery`` brings a started service up to date."""
