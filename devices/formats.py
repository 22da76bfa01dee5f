"""The closed table of wire formats: which topics each uses, and the function that takes its messages apart.

A message comes on one of three kinds of topic:

    hm/v1/<device>/up/…        the native format (`wire.envelope`), not in this table
    gw/<sender>/<topic>        from a registered gateway or gate, under a prefix that the broker binds to its
                               credential (an ACL pattern or a mount point); <topic> is the vendor's own
    <topic>                    the vendor's own topic without a prefix: nothing proves who sent it

What an HTTP receiver takes in has the topic `http/<sender>/<path>`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from devices.decoders import (
    aliyun,
    chirpstack,
    cjt188,
    dlt645,
    face_gate,
    gateway_json,
    hikvision,
    huawei,
    obis,
    ttlock,
    wmbusmeters,
    zigbee2mqtt,
)
from devices.decoders.reports import Parsed, Value
from wire.envelope import DEVICE_CODE

#: The prefix of a gateway's or gate's topics, and of what an HTTP receiver took in.
GATEWAY, HTTP = "gw", "http"
_PREFIXED = re.compile(rf"(?P<prefix>{GATEWAY}|{HTTP})/(?P<sender>{DEVICE_CODE})/(?P<topic>.+)", re.DOTALL)

#: A vendor topic, a payload, and the decoder options of the sender's profile (and `RETAINED`).
Parser = Callable[[str, bytes, Mapping[str, Value]], Parsed]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One wire format."""

    #: As profiles name it.
    name: str
    #: Decoder id * 100 + version; stamped on every row.
    decoder: int
    #: Raises `DecodeError`, and nothing else, whatever the bytes.
    parse: Parser
    #: The vendor's topics, as filters: what devices say …
    up: tuple[str, ...] = ()
    #: … and what is said to them, which ingest leaves alone where it hears it. What is in both, they say.
    down: tuple[str, ...] = ()
    #: Whether a message, by vendor topic and payload, is a last will: then the broker says it.
    is_will: Callable[[str, bytes], bool] = lambda _topic, _payload: False
    #: The paths of its HTTP receiver; nobody subscribes to them.
    http: tuple[str, ...] = ()

    def says(self, topic: str) -> bool:
        """Whether a device of this format speaks on a vendor topic, or to a receiver."""
        return topic in self.http or any(matches(pattern, topic) for pattern in self.up)

    def hears(self, topic: str) -> bool:
        """Whether a device of this format listens on a vendor topic."""
        return any(matches(pattern, topic) for pattern in self.down) and not self.says(topic)


class Prefixed(NamedTuple):
    """A topic under the prefix of its sender."""

    prefix: str
    sender: str
    topic: str

    @property
    def front(self) -> str:
        """What stands before the vendor's own topic."""
        return f"{self.prefix}/{self.sender}/"


def split(topic: str) -> Prefixed | None:
    """Take the sender's prefix off a topic; None if there is none."""
    found = _PREFIXED.fullmatch(topic)
    return None if found is None else Prefixed(found["prefix"], found["sender"], found["topic"])


def of_topic(topic: str) -> Format | None:
    """Find the format that a vendor topic without a prefix belongs to."""
    return next((found for found in FORMATS.values() if found.says(topic)), None)


def heard(topic: str) -> bool:
    """Whether a topic, with or without a prefix, is one on which something is said to devices."""
    prefixed = split(topic)
    bare = topic if prefixed is None else prefixed.topic
    return any(found.hears(bare) for found in FORMATS.values())


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic filter of MQTT takes a topic."""
    levels, given = pattern.split("/"), topic.split("/")
    for at, level in enumerate(levels):
        if level == "#":
            return True
        if at >= len(given) or level not in ("+", given[at]):
            return False
    return len(levels) == len(given)


def _table(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({found.name: found for found in formats})


FORMATS = _table(
    Format(name="dlt645", decoder=dlt645.DECODER, parse=dlt645.parse, up=dlt645.UP, down=dlt645.DOWN),
    Format(name="cjt188", decoder=cjt188.DECODER, parse=cjt188.parse, up=cjt188.UP, down=cjt188.DOWN),
    Format(
        name="gateway-json",
        decoder=gateway_json.DECODER,
        parse=gateway_json.parse,
        up=gateway_json.UP,
        down=gateway_json.DOWN,
        http=gateway_json.HTTP,
    ),
    Format(
        name="huawei-iot",
        decoder=huawei.DECODER,
        parse=huawei.parse,
        up=huawei.UP,
        down=huawei.DOWN,
        http=huawei.HTTP,
    ),
    Format(
        name="aliyun-iot",
        decoder=aliyun.DECODER,
        parse=aliyun.parse,
        up=aliyun.UP,
        down=aliyun.DOWN,
        http=aliyun.HTTP,
    ),
    Format(
        name="zigbee2mqtt",
        decoder=zigbee2mqtt.DECODER,
        parse=zigbee2mqtt.parse,
        up=zigbee2mqtt.UP,
        down=zigbee2mqtt.DOWN,
    ),
    Format(name="obis", decoder=obis.DECODER, parse=obis.parse, up=obis.UP, down=obis.DOWN),
    Format(
        name="wmbusmeters",
        decoder=wmbusmeters.DECODER,
        parse=wmbusmeters.parse,
        up=wmbusmeters.UP,
        down=wmbusmeters.DOWN,
    ),
    Format(
        name="chirpstack-v4",
        decoder=chirpstack.DECODER,
        parse=chirpstack.parse,
        up=chirpstack.UP,
        down=chirpstack.DOWN,
    ),
    Format(
        name="face-gate",
        decoder=face_gate.DECODER,
        parse=face_gate.parse,
        up=face_gate.UP,
        down=face_gate.DOWN,
        is_will=face_gate.is_will,
        http=face_gate.HTTP,
    ),
    Format(name="hikvision-isapi", decoder=hikvision.DECODER, parse=hikvision.parse, http=hikvision.HTTP),
    Format(name="ttlock", decoder=ttlock.DECODER, parse=ttlock.parse, http=ttlock.HTTP),
)

#: What ingest subscribes to beside the native topics. Topics with a $ in front belong to the broker, and some
#: hang up on who asks for others: a vendor's are heard under a prefix only.
FILTERS = (
    f"{GATEWAY}/#",
    *(pattern for found in FORMATS.values() for pattern in found.up if not pattern.startswith("$")),
)
