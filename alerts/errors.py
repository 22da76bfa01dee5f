"""What people can be told about alerts. The docstring is the default message."""


class AlertsError(Exception):
    """The alert does not allow this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class NotFound(AlertsError):
    """There is no such alert, or it lies outside what the reader may see."""


class VersionConflict(AlertsError):
    """Somebody changed this in the meantime, or it was raised again: look at it again."""

    def __init__(self, *, current: int) -> None:
        #: The version that stands.
        self.current = current
        super().__init__()


class InvalidTransition(AlertsError):
    """This action is not permitted in this state."""
