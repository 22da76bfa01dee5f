"""The MQTT 5 codec `mqtt5` as it is, where that is not what its stub says."""

from collections.abc import Callable
from typing import SupportsInt, cast

import mqtt5

_REFUSED = 128
#: The length of a packet is written in four bytes at most, seven bits each.
_LENGTH_BYTES = 4
_MORE = 0x80

#: Takes the first packet and its size off a buffer. Raises IndexError while its end has not come, ValueError
#: when it breaks the protocol, and, over a string that is not UTF-8, a panic that is no Exception.
read = cast("Callable[[memoryview], tuple[mqtt5.Packet, int]]", mqtt5.read)


def is_failure(reason: SupportsInt) -> bool:
    """Say whether a reason code is one of failure; its codes do not compare with numbers."""
    return int(reason) >= _REFUSED


def spoken(reason: SupportsInt) -> str:
    """Name a reason code: it does not know its name, only its `repr`."""
    return repr(reason).strip("<>").partition(".")[2]


def declared_size(begun: memoryview) -> int:
    """Tell the bytes of a packet, header and all, by its beginning; 0: that is too short to tell."""
    length = 0
    for n, byte in enumerate(begun[1 : 1 + _LENGTH_BYTES]):
        length |= (byte & ~_MORE) << 7 * n
        if byte < _MORE:
            return 1 + (n + 1) + length
    return 0
