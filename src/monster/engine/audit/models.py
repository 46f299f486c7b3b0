"""What happened in the engine, and where each tenant's log ends."""

from monster.engine.database import Base
from monster.kit.audit import AuditHeadRow, AuditRow


class AuditLog(AuditRow, Base):
    pass


class AuditHead(AuditHeadRow, Base):
    pass
