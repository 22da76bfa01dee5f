"""Why a measurement cannot be taken here."""


class Unavailable(Exception):
    """What is to be measured is not here."""
