"""What we publish: answered, refused, expired, too large, or lost with the connection."""

from collections.abc import Iterator

import mqtt5
import pytest
from mqtt5 import PubAckReasonCode

from ingest.errors import NotPublished
from tests.unit.ingest.far_end import FarEnd, connected, started
from tests.waiting import wait_until


@pytest.fixture
def far() -> Iterator[FarEnd]:
    opened = FarEnd()
    yield opened
    opened.close()


def heard(far: FarEnd) -> mqtt5.PublishPacket:
    packet = far.hear()
    assert isinstance(packet, mqtt5.PublishPacket)
    return packet


def answer(far: FarEnd, packet: mqtt5.PublishPacket, reason: PubAckReasonCode) -> None:
    assert packet.packet_id
    far.say(mqtt5.PubAckPacket(packet.packet_id, reason_code=reason).write())


def test_a_message_is_sent_as_asked_and_never_retained(far: FarEnd) -> None:
    with connected(far) as client:
        sent = client.publish(
            "hm/v1/d/down/cmd", b"open", expiry_s=20, correlation=b"\x07", response_topic="hm/v1/d/up/rsp"
        )
        packet = heard(far)
        assert (packet.topic, packet.payload, int(packet.qos)) == ("hm/v1/d/down/cmd", b"open", 1)
        assert (packet.message_expiry_interval, packet.correlation_data) == (20, b"\x07")
        assert (packet.response_topic, packet.retain, packet.duplicate) == ("hm/v1/d/up/rsp", False, False)
        assert not sent.done()
        answer(far, packet, PubAckReasonCode.SUCCESS)
        assert sent.result(10) is True


def test_that_nobody_listens_is_told_and_a_refusal_is_an_error(far: FarEnd) -> None:
    with connected(far) as client:
        unheard, refused = client.publish("a", b"1"), client.publish("b", b"2")
        answer(far, heard(far), PubAckReasonCode.NO_MATCHING_SUBSCRIBERS)
        answer(far, heard(far), PubAckReasonCode.NOT_AUTHORIZED)
        assert unheard.result(10) is False
        with pytest.raises(NotPublished, match="NOT_AUTHORIZED"):
            refused.result(10)


def test_qos_0_is_done_when_it_is_written(far: FarEnd) -> None:
    with connected(far) as client:
        assert client.publish("a", b"1", qos=0).result(10) is True
        assert heard(far).packet_id is None


def test_no_more_is_unanswered_than_the_broker_allows_and_ids_are_not_used_twice(far: FarEnd) -> None:
    with connected(far, connack=mqtt5.ConnAckPacket(receive_max=2).write()) as client:
        sent = [client.publish("a", str(n).encode()) for n in range(5)]
        first, second = heard(far), heard(far)
        far.wire.settimeout(0.05)
        with pytest.raises(TimeoutError):
            far.hear()
        far.wire.settimeout(10)
        answer(far, second, PubAckReasonCode.SUCCESS)
        third = heard(far)
        assert len({first.packet_id, second.packet_id, third.packet_id}) == 3
        for packet in (first, third):
            answer(far, packet, PubAckReasonCode.SUCCESS)
        for packet in (heard(far), heard(far)):
            answer(far, packet, PubAckReasonCode.SUCCESS)
        assert [one.result(10) for one in sent] == [True] * 5
        assert (first.payload, second.payload, third.payload) == (b"0", b"1", b"2")


def test_what_waits_past_its_time_is_not_sent(far: FarEnd) -> None:
    with connected(far, connack=mqtt5.ConnAckPacket(receive_max=1).write()) as client:
        client.publish("a", b"first")
        late = client.publish("a", b"late", expiry_s=0.0)
        last = client.publish("a", b"last")
        for _ in range(2):
            packet = heard(far)
            assert packet.payload != b"late"
            answer(far, packet, PubAckReasonCode.SUCCESS)
        assert last.result(10)
        with pytest.raises(NotPublished, match="expired"):
            late.result(10)


def test_what_the_broker_cannot_take_is_not_sent(far: FarEnd) -> None:
    least = mqtt5.ConnAckPacket(max_packet_size=100, max_qos=mqtt5.QoS.AT_MOST_ONCE).write()
    with connected(far, connack=least) as client:
        with pytest.raises(NotPublished, match="QoS 1"):
            client.publish("a", b"1").result(10)
        with pytest.raises(NotPublished, match="bytes"):
            client.publish("a", b"x" * 200, qos=0).result(10)


def test_nothing_is_sent_again_over_the_next_connection(far: FarEnd) -> None:
    with connected(far, connack=mqtt5.ConnAckPacket(receive_max=1).write()) as client:
        unanswered, unsent = client.publish("a", b"1"), client.publish("a", b"2")
        heard(far)
        far.wire.close()
        with pytest.raises(NotPublished, match="before the broker answered"):
            unanswered.result(10)
        with pytest.raises(NotPublished, match="before it was sent"):
            unsent.result(10)
        far.let_in(mqtt5.ConnAckPacket(session_present=True).write())
        wait_until(lambda: not client.publish("a", b"3").done(), what="connected again")
        assert heard(far).payload == b"3"


def test_an_answer_to_nothing_is_nothing(far: FarEnd) -> None:
    with connected(far) as client:
        far.say(mqtt5.PubAckPacket(77).write())
        sent = client.publish("a", b"1")
        answer(far, heard(far), PubAckReasonCode.SUCCESS)
        assert sent.result(10)


def test_without_a_broker_nothing_is_sent(far: FarEnd) -> None:
    with started(far) as client, pytest.raises(NotPublished, match="no broker"):
        client.publish("a", b"1").result(0)
