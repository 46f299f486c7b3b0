"""What can go wrong with the audit log."""

from monster.kit.errors import NotFound


class AuditNotFound(NotFound):
    code = "audit_not_found"
