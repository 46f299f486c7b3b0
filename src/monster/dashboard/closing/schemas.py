"""What is needed to suspend a tenant or to delete it."""

from typing import ClassVar

from monster.kit.jobs import JobArgs
from monster.kit.schemas import Input, Name


class DeleteWorkspace(Input):
    """`name` is that of the workspace, so that nobody deletes one by accident."""

    name: Name


class PassOnState(JobArgs):
    """Job: tell the engine whether a tenant is suspended."""

    name: ClassVar[str] = "closing.pass_on_state"


class DeleteTenant(JobArgs):
    """Job: delete a tenant in the engine, too. `last` is the one that sweeps up, a while later."""

    name: ClassVar[str] = "closing.delete_tenant"

    last: bool = False
