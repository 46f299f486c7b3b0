"""Why a caller with an API key is not let in."""

from monster.kit.errors import Forbidden, NotFound, TooMany


class WorkspaceSuspended(Forbidden):
    code = "workspace_suspended"


class BudgetSpent(TooMany):
    """Until the month is over, or the budget is raised."""

    code = "budget_spent"


class ContactNotFound(NotFound):
    code = "contact_not_found"
