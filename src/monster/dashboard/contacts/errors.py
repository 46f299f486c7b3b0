"""What can go wrong with contacts, besides what the engine says."""

from monster.kit.errors import Invalid


class NotTheName(Invalid):
    code = "not_the_name"
