"""Parts of ``websocket_load_test.py``: the clients of one process, and the report."""
