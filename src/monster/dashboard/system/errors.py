"""What can go wrong with jobs."""

from monster.kit.errors import NotFound


class JobNotFound(NotFound):
    """Or it has not failed."""

    code = "job_not_found"
