"""Pure: sequences, books, instruments and their snapshots. Reads like the service's description."""
