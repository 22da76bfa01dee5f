"""Our end of a connection against a far end that does anything: packets cut anywhere, silence, nonsense."""

import asyncio
import itertools
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtt5 import DisconnectReasonCode

from ingest.arrival import Arrivals
from ingest.batches import Batching
from ingest.codec import declared_size, read
from ingest.connection import MAX_PACKET_BYTES, Connection, Login
from ingest.errors import ClientDied, FilterInvalid
from tests.unit.ingest.far_end import CONNACK, TOPIC, FarEnd, connected, publish, started, take
from tests.waiting import wait_until

ENOUGH = 300
#: Over a string that is not UTF-8 the codec panics and leaves an exception to the interpreter.
PANICS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SHORT = Batching(size=100, wait_s=0.01)


@pytest.fixture
def far() -> Iterator[FarEnd]:
    opened = FarEnd()
    yield opened
    opened.close()


def test_it_introduces_itself_with_a_session_that_lasts(far: FarEnd) -> None:
    with started(far, filters=("hm/#", "gw/#"), batching=SHORT, url="mqtt://user:p%40ss@127.0.0.1"):
        hello = far.accept()
        far.say(CONNACK)
        wanted = far.hear()
    assert (hello.client_id, hello.username, hello.password) == ("t", "user", b"p@ss")
    assert (hello.clean_start, hello.session_expiry_interval, hello.keep_alive) == (False, 86_400, 60)
    assert (hello.receive_max, hello.topic_alias_max, hello.max_packet_size) == (200, 0, MAX_PACKET_BYTES)
    assert isinstance(wanted, mqtt5.SubscribePacket)
    assert [
        (f.pattern, int(f.max_qos), f.no_local, int(f.retain_handling)) for f in wanted.topic_filters
    ] == [
        ("hm/#", 1, True, 1),
        ("gw/#", 1, True, 1),
    ]


@pytest.mark.parametrize("chunk", [1, 3, 31, 1000, 100_000])
def test_messages_come_whole_and_in_order_however_they_are_cut(far: FarEnd, chunk: int) -> None:
    count = 20 if chunk == 1 else ENOUGH
    sent = b"".join(publish(n, size=n) for n in range(1, count + 1))
    with connected(far) as client:
        for at in range(0, len(sent), chunk):
            far.say(sent[at : at + chunk])
        found = take(client, count)
    assert [m.packet_id for m in found] == list(range(1, count + 1))
    assert [m.payload for m in found] == [str(n).encode().ljust(n, b".") for n in range(1, count + 1)]
    assert {m.topic for m in found} == {TOPIC}


def test_a_message_larger_than_one_read_comes_whole(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(publish(7, size=3_000_000) + publish(8))
        large, small = take(client, 2)
    assert (len(large.payload), large.packet_id, small.packet_id) == (3_000_000, 7, 8)


def test_what_a_publisher_said_beside_the_payload_is_told(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(
            publish(5, qos=0)
            + publish(6, retain=True)
            + publish(
                7,
                user_properties=[("firmware", "2.1"), ("firmware", "2.2")],
                content_type="json",
                payload_format_indicator=1,
                response_topic="a/b",
                correlation_data=b"\x00\xff",
            )
        )
        found = take(client, 3)
    assert [(m.packet_id, m.properties) for m in found] == [
        (0, None),
        (6, {"retain": True}),
        (
            7,
            {
                "UserProperty": [("firmware", "2.1"), ("firmware", "2.2")],
                "ContentType": "json",
                "PayloadFormatIndicator": 1,
                "ResponseTopic": "a/b",
                "CorrelationData": b"\x00\xff",
            },
        ),
    ]


def test_a_batch_is_acknowledged_in_the_given_order_and_in_one_write(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(publish(7) + publish(300) + publish(2) + publish(1, qos=0))
        found = take(client, 4)
        assert client.acknowledge(found) == 3
        far.hear()
        assert far.unread == bytes.fromhex("4002012c 40020002")


def test_a_late_acknowledgement_is_dropped_and_half_a_packet_is_forgotten(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(publish(1) + publish(2)[:9])
        early = take(client, 1)
        far.wire.close()
        far.let_in(mqtt5.ConnAckPacket(session_present=True).write())
        far.say(publish(1) + publish(3))
        again = take(client, 2)
        assert [m.packet_id for m in again] == [1, 3]
        assert again[0].epoch > early[0].epoch
        assert client.acknowledge(early) == 0
        assert client.acknowledge([*early, again[1]]) == 1
        packet = far.hear()
    assert isinstance(packet, mqtt5.PubAckPacket)
    assert packet.packet_id == 3


def test_what_is_acknowledged_while_the_broker_is_away_is_dropped(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(publish(1))
        found = take(client, 1)
        far.wire.close()
        wait_until(lambda: client._connection is None, what="the end is seen")
        assert client.acknowledge(found) == 0


@PANICS
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x32\x07\x00\x01\xff\x00\x01\x00x", DisconnectReasonCode.MALFORMED_PACKET),  # topic not UTF-8
        (b"\x36\x07\x00\x01a\x00\x01\x00x", DisconnectReasonCode.MALFORMED_PACKET),  # QoS 3
        (b"\x32\x03\x00\x10a", DisconnectReasonCode.MALFORMED_PACKET),  # topic longer than the packet
        (b"\x32\xff\xff\xff\xff\x7f", DisconnectReasonCode.MALFORMED_PACKET),  # a length of five bytes
        (b"\x00\x00", DisconnectReasonCode.MALFORMED_PACKET),  # no such type
        (b"\x32\xff\xff\xff\x7f", DisconnectReasonCode.PACKET_TOO_LARGE),  # 256 MB announced
        (b"\x34\x07\x00\x01a\x00\x01\x00x", DisconnectReasonCode.QOS_NOT_SUPPORTED),
        (b"\x32\x07\x00\x01a\x00\x00\x00x", DisconnectReasonCode.PROTOCOL_ERROR),  # packet id 0
        (b"\x32\x09\x00\x00\x00\x01\x03\x23\x00\x01x", DisconnectReasonCode.TOPIC_ALIAS_INVALID),
        (CONNACK, DisconnectReasonCode.PROTOCOL_ERROR),  # a second one
        (b"\xc0\x00", DisconnectReasonCode.PROTOCOL_ERROR),  # PINGREQ, which is ours to send
    ],
    ids=lambda given: given.hex() if isinstance(given, bytes) else "",
)
def test_what_breaks_the_protocol_ends_the_connection_and_nothing_else(
    far: FarEnd, raw: bytes, reason: DisconnectReasonCode, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(far) as client:
        far.say(publish(1) + raw)
        assert [m.packet_id for m in take(client, 1)] == [1]
        goodbye = far.hear()
        assert isinstance(goodbye, mqtt5.DisconnectPacket)
        assert int(goodbye.reason_code) == int(reason)
        assert far.hear() is None
        far.let_in()
        far.say(publish(2))
        assert [m.packet_id for m in take(client, 1)] == [2]
    assert caplog.text.count("disconnected: ") == 1


def test_messages_before_the_broker_let_us_in_are_not_taken(far: FarEnd) -> None:
    with started(far) as client:
        far.accept()
        far.say(publish(1) + CONNACK)
        assert isinstance(far.hear(), mqtt5.DisconnectPacket)
        assert client.take(within_s=0.05) == []


def test_what_is_no_mqtt_5_is_waited_out_and_said_once(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    with started(far):
        for _ in range(3):
            far.accept()
            far.say(b"\x20\x02\x00\x01")  # as 3.1.1 refuses a protocol
            assert isinstance(far.hear(), mqtt5.DisconnectPacket)
    assert caplog.text.count("no broker at") == 1


@pytest.mark.parametrize("stalled", [True, False])
def test_a_broker_that_falls_silent_is_left_and_one_that_answers_is_not(
    far: FarEnd, caplog: pytest.LogCaptureFixture, *, stalled: bool
) -> None:
    with connected(far, keepalive_s=1):
        began = time.monotonic()
        if stalled:
            assert far.hear() is None
            assert 0.9 < time.monotonic() - began < 3
            far.let_in()
        else:
            far.wire.settimeout(0.1)
            while time.monotonic() - began < 1.6:
                try:
                    heard = far.wire.recv(2)
                except TimeoutError:
                    continue
                assert heard == b"\xc0\x00"
                far.say(b"\xd0\x00")
    assert ("the broker has been silent for" in caplog.text) == stalled


def test_the_keep_alive_is_the_brokers_when_it_names_one(far: FarEnd) -> None:
    began = time.monotonic()
    with connected(far, keepalive_s=600, connack=mqtt5.ConnAckPacket(server_keep_alive=1).write()):
        assert far.hear() is None
    assert time.monotonic() - began < 3


def test_reading_rests_while_memory_is_full_and_that_is_no_silence(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    flood = b"".join(publish(n, size=1_000_000) for n in range(1, 11))
    far_wire_full = False
    with connected(far, keepalive_s=1) as client:
        far.wire.settimeout(0.2)
        sent = 0
        while not far_wire_full:
            try:
                far.say(flood)
                sent += 10
            except TimeoutError:
                far_wire_full = True
            assert sent < 300, "nothing holds it back"
        held = client.waiting()
        assert 5 < held <= sent + 10
        # Longer than the keep-alive, and still there.
        far.wire.settimeout(10)
        until = time.monotonic() + 1.2
        wait_until(lambda: time.monotonic() > until)
        assert client.waiting() == held
        # How much more lies on the wire is the kernel's to say; one message at least.
        taken = take(client, held + 1)
        assert len(taken) >= held + 1
    assert "silent" not in caplog.text


def test_reconnects_slow_down_and_are_said_once(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    began, times = time.monotonic(), []
    with started(far):
        for _ in range(5):
            far.accept()
            times.append(time.monotonic() - began)
            far.wire.close()
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert [round(pause, 1) for pause in pauses] == pytest.approx([0.1, 0.2, 0.4, 0.8], abs=0.1)
    assert caplog.text.count("no broker at") == 1


def test_a_connection_that_holds_for_a_moment_only_does_not_hasten_the_next(far: FarEnd) -> None:
    began = time.monotonic()
    with started(far):
        for _ in range(4):
            far.let_in()
            far.wire.close()
    assert time.monotonic() - began > 0.7


def test_a_refusal_and_a_refused_filter_are_said_once_each(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED, reason_str="no").write()
    codes = mqtt5.SubAckReasonCode
    with started(far, filters=("hm/#", "gw/#")) as client:
        for _ in range(2):
            far.accept()
            far.say(refusal)
            assert far.hear() is None
        for _ in range(2):
            wanted = far.let_in(grant=False)
            mixed = [codes.GRANTED_QOS_AT_LEAST_ONCE, codes.NOT_AUTHORIZED]
            far.say(mqtt5.SubAckPacket(wanted.packet_id, mixed).write() + publish(1))
            take(client, 1)
            far.wire.close()
    assert caplog.text.count("the broker refuses us: NOT_AUTHORIZED: 135, no") == 1
    assert caplog.text.count("the broker refuses the subscription to gw/#: NOT_AUTHORIZED") == 1
    assert "to hm/#" not in caplog.text


def test_why_the_broker_ends_it_is_said(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    taken_over = mqtt5.DisconnectPacket(reason_code=DisconnectReasonCode.SESSION_TAKEN_OVER)
    with connected(far) as client:
        far.say(publish(1) + taken_over.write())
        assert len(take(client, 1)) == 1
        assert far.hear() is None
        far.let_in()
    assert "disconnected: the broker says SESSION_TAKEN_OVER" in caplog.text


def test_a_session_that_the_broker_shortens_is_warned_of(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(far, connack=mqtt5.ConnAckPacket(session_expiry_interval=60).write()):
        pass
    assert "keeps messages for us for 60 s only" in caplog.text


def test_the_goodbye_follows_the_acknowledgements_and_keeps_the_session(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(publish(1) + publish(2))
        found = take(client, 2)
        client.acknowledge(found)
        heard = []

        def hear_out() -> None:
            while (packet := far.hear()) is not None:
                heard.append(packet)
                if isinstance(packet, mqtt5.DisconnectPacket):
                    # What comes now must not reset the line.
                    far.say(publish(3))
                    far.wire.shutdown(socket.SHUT_WR)

        listener = threading.Thread(target=hear_out)
        listener.start()
        began = time.monotonic()
        client.stop(within_s=10)
        listener.join(10)
        assert time.monotonic() - began < 5
    *acks, goodbye = heard
    assert [ack.packet_id for ack in acks] == [1, 2]
    assert (int(goodbye.reason_code), goodbye.session_expiry_interval) == (0, None)
    assert client.waiting() == 0


def test_a_broker_that_does_not_hear_the_goodbye_is_left_in_time(far: FarEnd) -> None:
    with connected(far) as client:
        began = time.monotonic()
        client.stop(within_s=0.2)
        assert 0.1 < time.monotonic() - began < 3


def test_nothing_more_to_come_is_an_error(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(publish(1))
        wait_until(lambda: client.waiting() == 1)
        client.stop(within_s=0)
        assert len(client.take(within_s=0)) == 1
        with pytest.raises(ClientDied):
            client.take(within_s=0)


def test_a_filter_that_is_none_is_refused_before_anything_starts(far: FarEnd) -> None:
    with pytest.raises(FilterInvalid), started(far, filters=("hm/#/x",)):
        pass


@PANICS
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_end_the_connection_or_wait_for_more(chunks: list[bytes]) -> None:
    """Nothing is raised, and what is held back is the beginning of one packet at most."""

    async def feed() -> None:
        connection = Connection(
            Login(client_id="t", keepalive_s=60, receive_max=10, filters=("hm/#",)),
            epoch=1,
            arrivals=Arrivals(lambda: datetime(2026, 11, 24, 9, tzinfo=UTC)),
            on_connected=lambda *_: None,
            on_subscribed=lambda _: None,
            on_messages=lambda _: None,
        )
        near, other = socket.socketpair()
        with other:
            transport, _ = await asyncio.get_running_loop().create_connection(lambda: connection, sock=near)
            connection.data_received(CONNACK)
            for chunk in chunks:
                connection.data_received(chunk)
            transport.abort()
            await connection.ended

    with ThreadPoolExecutor(1) as elsewhere:  # a browser's test may have left a loop in this thread
        elsewhere.submit(asyncio.run, feed()).result()


@PANICS
@given(st.integers(0, 255), st.binary(max_size=126))
def test_a_whole_packet_is_never_taken_for_a_part(header: int, body: bytes) -> None:
    raw = memoryview(bytes([header, len(body)]) + body)
    assert declared_size(raw) == len(raw)
    try:
        _, size = read(raw)
    except IndexError:
        raise
    except BaseException:  # noqa: BLE001 - the codec's panic is no `Exception`
        return
    assert size == len(raw)
