"""What can go wrong with files before the engine sees them."""

from monster.kit.errors import AppError, Conflict, Invalid, NotFound


class NoFile(Invalid):
    code = "no_file"


class BadFileName(Invalid):
    code = "bad_file_name"


class FileTooLarge(AppError):
    status = 413
    code = "file_too_large"


class FileNotFound(NotFound):
    code = "file_not_found"


class AgentOnItsWay(Conflict):
    """Published, but the job that brings it to the engine has not run yet."""

    code = "agent_on_its_way"
