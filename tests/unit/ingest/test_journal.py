import pytest

from ingest.errors import BlockDamaged
from ingest.journal import Journaled, make_block, read_block
from ingest.message import Message

MESSAGES = [
    Message(
        topic="hm/v1/d/up/m", payload=b'{"seq":1}', received_us=1_795_507_200_000_000, epoch=3, packet_id=9
    ),
    Message(
        topic="hm/表",
        payload=b"\x00\xff",
        received_us=1,
        properties={"retain": True, "CorrelationData": b"\x01"},
    ),
]


def test_a_block_gives_back_what_was_put_in() -> None:
    assert read_block(make_block(MESSAGES)) == [
        Journaled("hm/v1/d/up/m", b'{"seq":1}', 1_795_507_200_000_000),
        Journaled("hm/表", b"\x00\xff", 1, {"retain": True, "CorrelationData": b"\x01"}),
    ]


def test_like_messages_compress_well() -> None:
    payloads = [b'{"seq":%d,"readings":[{"ch":"energy_kwh","v":%d.5}]}' % (n, n) for n in range(1000)]
    many = [Message(topic=f"hm/v1/m-{n}/up/m", payload=p, received_us=n) for n, p in enumerate(payloads)]
    assert len(make_block(many)) * 4 < sum(map(len, payloads))


@pytest.mark.parametrize("block", [b"", b"nonsense", make_block(MESSAGES)[:-3], make_block([])[::-1]])
def test_a_damaged_block_says_so(block: bytes) -> None:
    with pytest.raises(BlockDamaged):
        read_block(block)
