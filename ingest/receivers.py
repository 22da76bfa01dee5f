"""What devices and vendors' clouds post over HTTP, as messages like any other: same journal, same judgement.

A body becomes the message's payload before anything is stored: of several parts the one that is text, a form
as one JSON object. Pictures are left out; their SHA-256 and the word `picture` are in the properties.

What a sender posts above its rate is in the journal and counted in quarantine, as it is over MQTT: whatever
the sender does then, nothing is lost. It is told to come later where that makes it do so (429, and when);
what it sends again is stored like anything else. Huawei's cloud is not told: it sends again after 501 to 504
and for ten minutes only, and takes an address that failed ten times for dead, so that a refusal would cost
what nobody has seen yet.
"""

import hashlib
import math
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from devices import formats
from ingest.bound import Bound
from ingest.errors import BodyUnreadable, ReceiverBusy
from ingest.message import REDACTED, Message
from ingest.personal import Keyed
from ingest.pipeline import Pipeline
from policy.groups import Ingest, Receivers
from storage.pool import Connection

#: More parts, or fields of a form, no body has.
_MOST = 100
_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,70})\r?\n")
_IMAGE = re.compile(
    rb"^content-type:\s*(?:image|video|application/octet-stream)", re.IGNORECASE | re.MULTILINE
)
#: Who posted is proven by a secret, not by a topic.
_NO_TOPICS = Bound(())
_TEXT = (b"{", b"[", b"<")


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One way in."""

    #: Last part of its address, and of its messages' topics.
    name: str
    #: Of its bodies; more is refused before it is read.
    max_kib: Callable[[Receivers], int]
    #: What the sender takes for a confirmation, once everything is committed.
    reply: str
    #: What a sender above its rate is told with 429, in the same words; None: it is told nothing of it.
    later: str | None
    reply_type: str = "text/plain"


HIKVISION = Receiver(
    name="hikvision", max_kib=lambda rules: rules.hikvision_kib, reply="OK", later="Too Many Requests"
)
TTLOCK = Receiver(
    name="ttlock", max_kib=lambda rules: rules.ttlock_kib, reply="success", later="too many requests"
)
FACE_GATE = Receiver(
    name="face-gate",
    max_kib=lambda rules: rules.face_gate_kib,
    reply='{"code":200,"desc":"OK"}',
    later='{"code":429,"desc":"Too Many Requests"}',
    reply_type="application/json",
)
HUAWEI = Receiver(
    name="huawei-iot",
    max_kib=lambda rules: rules.huawei_iot_kib,
    reply='{"code":200}',
    later=None,
    reply_type="application/json",
)
ALIYUN = Receiver(
    name="aliyun-iot",
    max_kib=lambda rules: rules.aliyun_iot_kib,
    reply='{"code":200}',
    later='{"code":429}',
    reply_type="application/json",
)
GATEWAY = Receiver(
    name="gateway-json",
    max_kib=lambda rules: rules.gateway_json_kib,
    reply='{"code":200}',
    later='{"code":429}',
    reply_type="application/json",
)
RECEIVERS = (HIKVISION, TTLOCK, FACE_GATE, HUAWEI, ALIYUN, GATEWAY)


def message_of(
    receiver: Receiver, *, sender: str, body: bytes, content_type: str, received_us: int
) -> Message:
    """Make a message of a body.

    Raises
    ------
    BodyUnreadable
        It is not what its own header says.
    """
    properties: dict[str, Any] = {"content_type": content_type[:128]} if content_type else {}
    kind = content_type.partition(";")[0].strip().lower()
    pictures: list[str] = []
    if kind.startswith("multipart/"):
        body = _text_part(body, content_type, pictures)
    elif kind.startswith(("image/", "video/")):
        pictures.append(_digest(body))
        body = b""
    elif kind == "application/x-www-form-urlencoded" and not body.lstrip().startswith(_TEXT):
        body = _form(body)
    if pictures:
        properties |= {REDACTED: ["picture"], "pictures": pictures}
    return Message(
        topic=f"{formats.HTTP}/{sender}/{receiver.name}",
        payload=body,
        received_us=received_us,
        properties=properties or None,
    )


class Reception:
    """Stores messages one after the other, each in the transaction of its request.

    The registry, and what each sender may still send, are kept from one to the next.
    """

    def __init__(
        self, *, rules: Callable[[datetime], Ingest], now: Callable[[], datetime], keyed: Keyed
    ) -> None:
        self._rules = rules
        self._now = now
        self._keyed = keyed
        self._one = threading.Lock()
        self._pipeline: Pipeline | None = None

    def store(self, connection: Connection, message: Message, *, within_s: float) -> int | None:
        """Store a message in the caller's transaction; what is wrong with it is quarantined.

        Returns
        -------
        int | None
            The sender is above its rate, and its message quarantined for it: after so many seconds it may
            send again. None: it is not.

        Raises
        ------
        ReceiverBusy
            Others were not done within this time: the sender is to come again.
        """
        if not self._one.acquire(timeout=within_s):
            raise ReceiverBusy
        try:
            if self._pipeline is None:
                self._pipeline = Pipeline(
                    connection,
                    bound=_NO_TOPICS,
                    rules=self._rules,
                    now=self._now,
                    source="http",
                    keyed=self._keyed,
                    listens=False,
                )
            self._pipeline.move(connection)
            limited = self._pipeline.store_one(message)
        finally:
            self._one.release()
        return math.ceil(60 / self._rules(self._now()).rate_per_minute) if limited else None


def _text_part(body: bytes, content_type: str, pictures: list[str]) -> bytes:
    """The part that says what happened. One that was cut off in its picture still has it."""
    named = _BOUNDARY.search(content_type)
    first = None if named else _FIRST_LINE.match(body)
    if named is None and first is None:
        raise BodyUnreadable("several parts, and nothing that divides them")
    boundary = named[1].encode("latin-1", "replace") if named else first[1] if first else b""
    text: bytes | None = None
    for part in body.split(b"--" + boundary, _MOST)[1:_MOST]:
        head, _, content = part.replace(b"\r\n\r\n", b"\n\n", 1).partition(b"\n\n")
        content = content.removesuffix(b"\n").removesuffix(b"\r")
        if text is None and content.lstrip().startswith(_TEXT) and not _IMAGE.search(head):
            text = content
        elif content:
            pictures.append(_digest(content))
    return text or b""


def _form(body: bytes) -> bytes:
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST)
    except ValueError as error:
        raise BodyUnreadable("a form of too many fields") from error
    return msgspec.json.encode(dict(pairs))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
