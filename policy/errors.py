"""What can be wrong with a policy. The docstring is the default message."""


class PolicyError(Exception):
    """A policy cannot be used."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class RuleRefused(PolicyError):
    """A rule of a policy file is wrong."""

    def __init__(self, *, file: str, number: int | None, key: str | None, problem: str) -> None:
        place = [file]
        if number is not None:
            place.append(f"rule {number}")
        if key is not None:
            place.append(key)
        super().__init__(f"{', '.join(place)}: {problem}")
        #: Name of the file, e.g. ``anhe.toml``.
        self.file = file
        #: Position of the rule in the file, counted from 1; None: the file as a whole.
        self.number = number
        #: Key of the rule, as far as it has one.
        self.key = key
        #: What is wrong, in a few words.
        self.problem = problem


class UnknownCity(PolicyError):
    """There is no policy file for this city."""


class NotInForce(PolicyError):
    """No policy is in force on this day."""
