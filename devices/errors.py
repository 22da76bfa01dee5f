"""What can go wrong with devices. The docstring is the default message."""

from uuid import UUID

from devices.notes import Unfit


class DevicesError(Exception):
    """A device, installation or profile is not as it should be."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class ProfileInvalid(DevicesError):
    """A file of devices/profiles/ is not valid."""


class UnknownProfile(DevicesError):
    """There is no such profile."""


class InvalidDeviceCode(DevicesError):
    """A device's code has 1 to 64 of the characters A-Z a-z 0-9 . _ -"""


class ReservedDeviceCode(InvalidDeviceCode):
    """The device's code is the name of a service of ours at the broker: call it something else."""


class InstallationConflict(DevicesError):
    """The device's channel, or the unit's meter of that channel, is taken in that period."""


class ScriptUnreadable(DevicesError):
    """There is no such script."""


class RunnerBroken(DevicesError):
    """The processes that run vendors' scripts do not start."""


class NoInstallation(DevicesError):
    """The device's channel is not installed anywhere at that time."""


class UnknownDevice(DevicesError):
    """There is no such device."""


class RetiredDevice(DevicesError):
    """The device is retired."""


class UnknownGateway(DevicesError):
    """The gateway is not registered, or is the device itself."""


class AddressTaken(DevicesError):
    """Another device of this gateway has this address."""


class NotAGateway(DevicesError):
    """The device's profile is not that of a gateway."""


class IsGateway(DevicesError):
    """The device speaks for others: replace the gateway instead."""


class HasChildren(DevicesError):
    """The gateway still speaks for other devices: replace it, or give them another gateway first."""

    def __init__(self, message: str | None = None, *, children: int) -> None:
        super().__init__(message)
        #: How many.
        self.children = children


class AlreadyInstalled(DevicesError):
    """The device is installed elsewhere: move it, or correct where it was."""


class RegisterTooLow(DevicesError):
    """The old meter's last value is below what it has reported: read it again, or leave it out."""


class FigureInvalid(DevicesError):
    """A register is a number from 0 on, and a multiplier is one above 0."""


class RecordedLater(DevicesError):
    """More is recorded of the device after that moment: correct where it was instead."""


class PlaceTaken(InstallationConflict):
    """Another device serves this channel there in that period."""

    def __init__(self, message: str | None = None, *, device: str, channel: int) -> None:
        super().__init__(message)
        #: Who hangs there.
        self.device = device
        self.channel = channel


class NotInstalled(DevicesError):
    """The device is not installed anywhere in that period."""


class NothingToInstall(DevicesError):
    """The device's profile has neither channels nor events."""


class OtherEstate(DevicesError):
    """The home belongs to another estate than the device."""


class UnknownPlace(DevicesError):
    """There is no such home."""


class SeveralPlaces(DevicesError):
    """A device was at several places: choose a period in which each was at one place."""


class ChangedMeanwhile(DevicesError):
    """Somebody changed these installations in the meantime: look again."""


class UndoRefused(DevicesError):
    """This cannot be undone: it is too long ago, something was changed since, or it was undone already."""


class UnknownReason(DevicesError):
    """The reason is not in the closed list of corrections."""


class PeriodEmpty(DevicesError):
    """The period ends before it begins, or begins in the future."""


class UnknownCommand(DevicesError):
    """There is no such command."""


class NotUnderstood(DevicesError):
    """The device does not understand this command."""


class ArgumentsInvalid(DevicesError):
    """The command's arguments are not those it takes."""


class ReasonUnfit(DevicesError):
    """The command needs a reason of safety that fits it."""


class CommandConflict(DevicesError):
    """The id belongs to another command."""


class CommandMoved(DevicesError):
    """The command is not in that state any more."""


class CommandWaits(DevicesError):
    """The same command waits for its second person already."""

    def __init__(self, message: str | None = None, *, command: UUID, asked_by: str) -> None:
        super().__init__(message)
        #: The one that waits.
        self.command = command
        self.asked_by = asked_by


class NoteUnfit(DevicesError):
    """The note holds what none may hold."""

    def __init__(self, message: str | None = None, *, why: Unfit) -> None:
        super().__init__(message)
        self.why = why


class SamePerson(DevicesError):
    """Who asked for a command cannot approve it."""


class DeviceExists(DevicesError):
    """Another device has this code."""


class UnknownCheck(DevicesError):
    """There is no such check."""
