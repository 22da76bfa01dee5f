"""What people and imports can be told about housing records. The docstring is the default message."""

from collections.abc import Iterable


class HousingError(Exception):
    """The housing records do not allow this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class RowsRefused(HousingError):
    """Some rows of a bulk upsert cannot be stored; none of them was."""

    def __init__(self, rows: Iterable[tuple[int, str]]) -> None:
        #: (index into the rows handed over, offending code), in their order.
        self.rows: tuple[tuple[int, str], ...] = tuple(rows)
        first = "; ".join(f"{code} (row {index})" for index, code in self.rows[:3])
        more = f" and {len(self.rows) - 3} more" if len(self.rows) > 3 else ""
        super().__init__(f"{(self.__doc__ or '').rstrip('.')}: {first}{more}")


class DoubleCode(RowsRefused):
    """The same code twice in one upsert."""


class UnknownEstate(RowsRefused):
    """Unknown estate."""


class UnknownBuilding(RowsRefused):
    """Unknown building."""


class UnknownUnit(RowsRefused):
    """Unknown unit."""


class UnknownHousehold(RowsRefused):
    """Unknown household."""


class UnknownResident(RowsRefused):
    """Unknown resident."""


class UnknownLease(RowsRefused):
    """Unknown lease."""


class OverlappingLease(RowsRefused):
    """Another lease of the same unit covers some of these days."""


class NotFound(HousingError):
    """There is no such record, or it lies outside what the reader may see."""


class VersionConflict(HousingError):
    """Somebody changed this in the meantime: look at it again."""

    def __init__(self, *, current: int) -> None:
        #: The version that stands.
        self.current = current
        super().__init__()


class InvalidTransition(HousingError):
    """This action is not permitted in this state."""

    def __init__(self, action: str, state: str) -> None:
        self.action = action
        self.state = state
        super().__init__(f"{action} is not permitted for a lead that is {state}")


class UnknownCode(HousingError):
    """The reason code is not in the closed list of this outcome."""


class NoteRequired(HousingError):
    """This reason needs a note in words."""


class AnotherOpen(HousingError):
    """A newer lead of this unit and kind is open: work on that one."""
