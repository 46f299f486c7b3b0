"""What can go wrong with a person's own settings."""

from monster.kit.errors import Conflict


class NoPassword(Conflict):
    """Of somebody who comes by single sign-on only."""

    code = "no_password"
