import hashlib
import json

import pytest

from devices.formats import FILTERS, FORMATS, HTTP, matches
from ingest.errors import BodyUnreadable
from ingest.message import Message
from ingest.receivers import HIKVISION, RECEIVERS, TTLOCK, message_of
from tests.unit.devices.samples import sample
from wire.envelope import FILTER

RECEIVED_US = 1_795_510_800_000_001
EVENT = b'{"eventType":"AccessControllerEvent"}'
PICTURE = b"\xff\xd8\xff\xe0 \r\n\r\n--no boundary\r\n \xff\xd9"
PARTS = (
    b"--7e13\r\n"
    b'Content-Disposition: form-data; name="event_log"\r\nContent-Type: application/json\r\n\r\n'
    + EVENT
    + b"\r\n"
    b"--7e13\r\n"
    b'Content-Disposition: form-data; name="Picture"; filename="face.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    + PICTURE
    + b"\r\n--7e13--\r\n"
)


def taken(body: bytes, content_type: str) -> Message:
    return message_of(
        HIKVISION, sender="door-1", body=body, content_type=content_type, received_us=RECEIVED_US
    )


def test_a_text_is_the_payload_as_it_is() -> None:
    message = taken(EVENT, "application/json")
    assert (message.topic, message.payload) == ("http/door-1/hikvision", EVENT)
    assert message.received_us == RECEIVED_US
    assert message.properties == {"content_type": "application/json"}


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data; boundary=7e13", 'multipart/mixed;boundary="7e13"', "multipart/form-data"],
)
def test_of_several_parts_the_text_stays_and_the_hash_of_the_picture(content_type: str) -> None:
    message = taken(PARTS, content_type)
    assert message.payload == EVENT
    assert message.properties is not None
    assert message.properties["redacted"] == ["picture"]
    assert message.properties["pictures"] == [f"sha256:{hashlib.sha256(PICTURE).hexdigest()}"]


def test_a_body_that_was_cut_off_in_its_picture_still_says_what_happened() -> None:
    message = taken(PARTS[:-30], "multipart/form-data; boundary=7e13")
    assert message.payload == EVENT
    assert b"\xff\xd8" not in message.payload


def test_a_picture_alone_is_not_kept() -> None:
    message = taken(PICTURE, "image/jpeg")
    assert message.payload == b""
    assert message.properties is not None
    assert message.properties["redacted"] == ["picture"]


@pytest.mark.parametrize("body", [b"", b"x", b"--\r\n", b"--" + b"x" * 100 + b"\r\n"])
def test_parts_that_nothing_divides_are_refused(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        taken(body, "multipart/form-data")


@pytest.mark.parametrize("body", [b"--7e13" * 100_000, b"--7e13\r\n\r\n{}" * 1000, b"--7e13\r\n\n\n", b"{}"])
def test_any_parts_are_read_or_nothing(body: bytes) -> None:
    assert taken(body, "multipart/form-data; boundary=7e13").payload in (b"", b"{}")


def test_a_form_becomes_one_object() -> None:
    message = message_of(
        TTLOCK,
        sender="account-1",
        body=sample("ttlock/lock-records.form"),
        content_type="application/x-www-form-urlencoded; charset=UTF-8",
        received_us=RECEIVED_US,
    )
    found = json.loads(message.payload)
    assert (found["notifyType"], found["lockId"]) == ("1", "163377")
    assert [record["recordType"] for record in json.loads(found["records"])] == [1, 4]


def test_a_form_of_too_many_fields_is_refused() -> None:
    with pytest.raises(BodyUnreadable):
        taken(b"&".join([b"a=1"] * 200), "application/x-www-form-urlencoded")


def test_every_receiver_belongs_to_a_format_and_every_format_of_its_kind_has_one() -> None:
    names = {path for found in FORMATS.values() for path in found.http}
    assert {receiver.name for receiver in RECEIVERS} == names


def test_nobody_can_pretend_over_mqtt_to_have_been_let_in_by_a_receiver() -> None:
    """What has such a topic counts as proven, so no filter of ours may take one."""
    for receiver in RECEIVERS:
        assert not any(matches(taken, f"{HTTP}/door-1/{receiver.name}") for taken in (FILTER, *FILTERS))
