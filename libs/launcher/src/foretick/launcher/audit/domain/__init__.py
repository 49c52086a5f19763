"""What an audit is about, without I/O: ranges of numbers, what is wrong with them, and how to say it."""
