"""What can go wrong while consumption is derived. The docstring is the default message."""


class UsageError(Exception):
    """Consumption could not be derived."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class ValuesMisread(UsageError):
    """The database sent values of another shape than was asked for."""
