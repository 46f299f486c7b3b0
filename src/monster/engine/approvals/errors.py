"""Why an answer is not taken."""

from monster.kit.errors import Conflict, Invalid, NotFound


class CallNotFound(NotFound):
    code = "call_not_found"


class AlreadyAnswered(Conflict):
    """By somebody else, or the run does not wait any more."""

    code = "already_answered"


class ArgumentsChanged(Conflict):
    """What was approved is not what would be executed."""

    code = "arguments_changed"


class NotInDoubt(Conflict):
    """Only of a call that may have acted can somebody say that it has."""

    code = "not_in_doubt"


class AnsweredTwice(Invalid):
    code = "answered_twice"
