"""What can go wrong with contacts, besides that there is none."""

from monster.kit.errors import Conflict


class ExtIdTaken(Conflict):
    code = "contact_ext_id_taken"
