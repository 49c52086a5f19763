"""The gateway: REST, the WebSocket feed and the web app, from what the bus says."""
