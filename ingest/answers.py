"""What devices say of their commands, recorded with the batch that brings it."""

from uuid import UUID

from devices import orders
from devices.decoders.elements import Refusal
from ingest.content import Ack, Sorted
from storage.pool import Connection
from wire.instants import from_us
from wire.reasons import Reason


def record(connection: Connection, content: Sorted) -> None:
    """Record the answers of a batch; what answers no command of that device joins what is quarantined."""
    words = [(ack, _word(ack)) for ack in content.acks]
    known = orders.answered(connection, [word for _, word in words if word is not None])
    for ack, word in words:
        if word is None or (word.command_id, word.device_id) not in known:
            refusal = Refusal(Reason.unknown_command, ack.answered.id)
            content.quarantine(ack.message, ack.raw, refusal, ack.decoder)


def _word(ack: Ack) -> orders.Word | None:
    """None: what it answers was none of our commands, for their ids are UUIDs."""
    try:
        command_id = UUID(ack.answered.id)
    except ValueError:
        return None
    return orders.Word(
        command_id,
        ack.device_id,
        ack.answered.ok,
        ack.answered.detail.replace("\x00", "\ufffd"),
        from_us(ack.message.received_us),
    )
