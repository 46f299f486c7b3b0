"""What can be wrong with a custom tool. No message quotes what may be a secret."""

from monster.kit.errors import AppError, Invalid


class BadTool(Invalid):
    """The field says what of it."""

    code = "bad_tool"


class BadDocument(Invalid):
    """It is no OpenAPI document that can be read."""

    code = "bad_document"


class DocumentUnreachable(AppError):
    """Not a 5xx: it is the other side that failed, and the sentence says how."""

    status = 424
    code = "document_unreachable"
