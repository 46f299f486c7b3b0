"""Why a caller is not let in."""

from monster.kit.errors import Forbidden, NotFound, TooMany


class TenantSuspended(Forbidden):
    """By a platform admin, or because it is being deleted."""

    code = "workspace_suspended"


class BudgetSpent(TooMany):
    """Until the month is over, or the budget is raised."""

    code = "budget_spent"


class ContactNotFound(NotFound):
    code = "contact_not_found"
