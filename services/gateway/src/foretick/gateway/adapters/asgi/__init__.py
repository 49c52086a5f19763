"""WebSocket connections that an ASGI server carries."""
