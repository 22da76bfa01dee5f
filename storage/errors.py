"""What can go wrong below every other room. The docstring is the default message."""


class StorageError(Exception):
    """The database did not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class DatabaseAway(StorageError):
    """The database cannot be reached."""


class SchemaBehind(StorageError):
    """The database schema is not the one this version needs: run `anju migrate`."""


class PromotionRefused(StorageError):
    """The database may not be promoted to TimescaleDB by this role: it must own the database."""


class KeyUnreadable(StorageError):
    """The key file for personal columns is missing, too short or readable by others."""


class BoxDamaged(StorageError):
    """A personal column cannot be opened: wrong key, or it was moved from another column."""
