"""``foretick evaluate``: files of events in, a report as JSON and as a page out."""
