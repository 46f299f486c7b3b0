"""What happened in the dashboard, and where each tenant's log ends."""

from monster.dashboard.database import Base
from monster.kit.audit import AuditHeadRow, AuditRow


class AuditLog(AuditRow, Base):
    pass


class AuditHead(AuditHeadRow, Base):
    pass
