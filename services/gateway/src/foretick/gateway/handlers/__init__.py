"""What happens on a bus message, a REST request and a WebSocket connection."""
