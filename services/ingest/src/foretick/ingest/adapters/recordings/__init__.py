"""Raw recordings: everything that passes between a feed and its venues, written as it is."""
