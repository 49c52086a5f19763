"""The fixtures that every member's tests share."""

pytest_plugins = ["foretick.common.testing.fixtures"]
