"""The learning libraries: each member of the ensemble, fitted reproducibly."""
