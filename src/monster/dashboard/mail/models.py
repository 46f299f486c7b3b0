"""Mails that were not sent, because nobody said how: what `/dev/mail` shows."""

import uuid

from sqlalchemy.orm import Mapped, mapped_column

from monster.dashboard.database import Base
from monster.kit.db import created_at
from monster.kit.ids import new_id


class DevMail(Base):
    __tablename__ = "dev_mail"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    created_at: Mapped[created_at]
