"""What goes in and out about tenants and the engine itself."""

from pydantic import StrictBool

from monster.kit.schemas import Input, Output


class TenantState(Input):
    suspended: StrictBool


class TenantOut(Output):
    suspended: bool


class RetriedJob(Output):
    name: str
