"""What a service tells platform admins about itself."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class _Told(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class FailedJob(_Told):
    """`error` is the class of what went wrong, and no more: messages may quote data of a tenant."""

    id: int
    name: str
    attempts: int
    error: str | None
    at: datetime | None


class DatabaseOut(_Told):
    """`idle` and `connections` are those of the service's own role; sizes are in bytes."""

    name: str
    size: int
    revision: str
    head: str
    connections: int
    idle: int
    workers: list[datetime]  # their last signs of life, newest first
    waiting: int
    running: int
    failed: int
    failures: list[FailedJob]  # the newest


class EngineSystem(_Told):
    version: str
    database: DatabaseOut
    embedding_ready: bool
    embedding: str
    disk_free: int
    disk_size: int
