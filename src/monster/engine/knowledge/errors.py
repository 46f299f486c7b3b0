"""What can go wrong with knowledge."""

from monster.kit.errors import AppError, Conflict, NotFound


class IndexNotFound(NotFound):
    code = "index_not_found"


class DocumentNotFound(NotFound):
    code = "document_not_found"


class PassageNotFound(NotFound):
    code = "passage_not_found"


class IndexNameTaken(Conflict):
    code = "index_name_taken"


class NotFailed(Conflict):
    code = "document_not_failed"


class TooLarge(AppError):
    status = 413
    code = "too_large"
