"""What can go wrong on the way in. The docstring is the default message."""


class IngestError(Exception):
    """Ingest cannot work as it is set up."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class BrokerAddressInvalid(IngestError):
    """The broker's address is mqtt://[user:password@]host[:port], or mqtts://…"""


class ClientDied(IngestError):
    """The thread that talks to the broker has died."""


class NotPublished(IngestError):
    """The broker did not take a message."""


class FilterInvalid(IngestError):
    """Not a topic filter of MQTT."""


class UnknownDecoder(IngestError):
    """There is no such wire format."""


class UnknownDevice(IngestError):
    """There is no such device."""


class RegistryMoved(IngestError):
    """Devices were changed while the journal was decoded: nothing was replaced. Ask again."""


class BodyUnreadable(IngestError):
    """What was posted is not what its header says."""


class ReceiverBusy(IngestError):
    """What was posted before takes too long to store."""


class BlockDamaged(IngestError):
    """A block of the journal cannot be read."""


class NotInQuarantine(IngestError):
    """There is no such message in quarantine."""
