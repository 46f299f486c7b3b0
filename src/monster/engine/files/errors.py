"""What can go wrong with files."""

from monster.kit.errors import AppError, Conflict, Invalid, NotFound


class FileNotFound(NotFound):
    code = "file_not_found"


class BadFileName(Invalid):
    code = "bad_file_name"


class FileTooLarge(AppError):
    status = 413
    code = "file_too_large"


class TooManyFiles(Conflict):
    code = "too_many_files"
