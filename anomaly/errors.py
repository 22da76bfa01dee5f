"""Why homes cannot be judged. The docstring is the default message."""


class AnomalyError(Exception):
    """These homes cannot be judged."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class ZoneRefused(AnomalyError):
    """An estate's time zone is not a whole number of hours from UTC."""


class NoPolicy(AnomalyError):
    """An estate lies in a city without a policy."""


class FeedRefused(AnomalyError):
    """A folder of tables cannot be taken for a feed."""


class NothingToTakeBack(AnomalyError):
    """No calibration is in force there."""


class ModelRefused(AnomalyError):
    """A file of weights does not fit the program."""
