"""What stops a command of `anju` with one line. The docstring is the default message."""


class AnjuError(Exception):
    """The command could not be carried out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class SettingsRefused(AnjuError):
    """A setting is wrong."""


class StackRunning(AnjuError):
    """Another `anju up` runs on this data directory."""


class StackDown(AnjuError):
    """No stack runs on this data directory, and ANJU_DATABASE_URL is not set."""


class ChildFailed(AnjuError):
    """A process of the stack did not come up."""


class NotHealthy(AnjuError):
    """The process is not at work."""


class BrokerAway(AnjuError):
    """The broker cannot be reached."""


class AuthorityInvalid(AnjuError):
    """The certificate authority cannot be used."""


class RequestInvalid(AnjuError):
    """The certificate request cannot be signed."""


class BrokerPlanInvalid(AnjuError):
    """The broker cannot be set up like this."""
