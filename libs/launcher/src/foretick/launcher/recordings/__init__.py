"""``foretick recordings``: what is recorded, whether it is whole, and how to take it elsewhere."""
