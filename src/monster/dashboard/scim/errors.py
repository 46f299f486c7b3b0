"""What directories are refused, besides what the messages themselves get wrong."""

from monster.kit.errors import AppError, Forbidden, NotFound


class MutabilityRefused(AppError):
    status = 400
    code = "mutability"


class NotUnique(AppError):
    status = 409
    code = "uniqueness"


class ValueRefused(AppError):
    status = 400
    code = "invalidValue"


class OwnerProtected(Forbidden):
    """No directory decides about who owns the workspace, nor about admins of the platform."""

    code = "owner_protected"


class NoSuchResource(NotFound):
    """Also what belongs to another tenant."""

    code = "resource_not_found"


class NotOffered(AppError):
    status = 501
    code = "not_implemented"
