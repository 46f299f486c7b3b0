"""What can go wrong with a whole tenant, and with the jobs of all of them."""

from monster.kit.errors import NotFound, Unavailable


class TenantBusy(Unavailable):
    """A worker is still at it: asking again a little later helps."""

    code = "tenant_busy"


class JobNotFound(NotFound):
    code = "job_not_found"
