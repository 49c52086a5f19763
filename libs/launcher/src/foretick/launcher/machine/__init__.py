"""The launcher's hands: processes, ports, files, the terminal and the clock. It decides nothing."""
