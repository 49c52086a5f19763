"""WebSocket connections on a port of their own."""
