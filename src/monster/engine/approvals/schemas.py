"""What the feature's parts hand to each other; what goes in and out is in `contracts.runs`."""

from typing import Literal, NamedTuple


class Taken(NamedTuple):
    """What became of answers, and whether the run goes on."""

    said: Literal["taken", "no run", "no call", "answered", "not in doubt", "changed"]
    goes_on: bool
