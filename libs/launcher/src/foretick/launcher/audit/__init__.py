"""The audit of a run: which events exist, which are missing and told, which are doubled, from rows and streams.

``audit_run(database_url, nats_url, run_id)`` returns an ``AuditReport``; ``foretick audit`` prints it.
"""

from foretick.launcher.audit.domain.faults import Fault, FaultKind
from foretick.launcher.audit.domain.report import AuditReport, InstrumentReport
from foretick.launcher.audit.domain.spans import Span
from foretick.launcher.audit.run import CannotAudit, Progress, audit_run

__all__ = ["AuditReport", "CannotAudit", "Fault", "FaultKind", "InstrumentReport", "Progress", "Span", "audit_run"]
