"""Structured logs: one JSON object a line on standard output, ours and the libraries' alike."""

import logging
import sys

import structlog

Logger = structlog.stdlib.BoundLogger


def configure_logging(name: str, level: str = "INFO") -> Logger:
    """Send every log record of this process to standard output as JSON and return the service's logger.

    Each line has ``ts`` (ISO 8601 UTC), ``level``, ``service`` and ``event``; further fields by keyword.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]

    def add_service(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("service", name)
        return event

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                add_service,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in (
        "uvicorn",
        "uvicorn.error",
        "uvicorn.access",
        "nats",
        "faststream",
        "httpx",
        "httpcore",
        "websockets",
        "picows",
    ):
        library = logging.getLogger(chatty)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.get_logger(name)
