"""What can go wrong with devices. The docstring is the default message."""


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


class InstallationConflict(DevicesError):
    """The device's channel, or the unit's meter of that channel, is taken in that period."""


class NoInstallation(DevicesError):
    """The device's channel is not installed anywhere at that time."""


class UnknownDevice(DevicesError):
    """There is no such device."""


class RetiredDevice(DevicesError):
    """The device is retired."""
