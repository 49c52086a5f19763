"""What the launcher decides, as pure functions of what it has seen: no processes, clocks, files or sockets here."""
