import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import BlockDamaged
from ingest.journal import Journaled, make_block
from ingest.message import Message
from ingest.packs import make_pack, read_pack

messages = st.builds(
    Journaled,
    topic=st.sampled_from(["hm/v1/a/up/m", "hm/v1/b/up/m", "hm/表"]),
    payload=st.binary(max_size=9),
    received_us=st.integers(-(2**62), 2**62),
    properties=st.none() | st.just({"retain": True, "CorrelationData": b"\x01"}),
)
blocks = st.lists(st.lists(messages, max_size=6), max_size=6).map(
    lambda found: [(7 * number + 3, block) for number, block in enumerate(found)]
)


@given(blocks)
def test_a_pack_gives_back_its_blocks(put: list[tuple[int, list[Journaled]]]) -> None:
    assert read_pack(make_pack(put)) == put


def test_single_messages_take_a_tenth_of_the_room_together() -> None:
    alone = [
        Message(
            topic=f"hm/v1/meter-{n % 50}/up/m",
            payload=b'{"seq":%d,"readings":[{"ch":"energy_kwh","v":%d.25}]}' % (n, n),
            received_us=1_795_507_200_000_000 + n * 36_000_000 + n * n % 977,
        )
        for n in range(2000)
    ]
    put = [(n, [Journaled(m.topic, m.payload, m.received_us)]) for n, m in enumerate(alone)]
    assert len(make_pack(put)) * 10 < sum(len(make_block([message])) for message in alone)


PACK = make_pack([(1, [Journaled("t", b"payload", 5)]), (2, [Journaled("t", b"other", 6)])])


@pytest.mark.parametrize(
    "pack",
    [b"", b"nonsense", PACK[:-3], PACK[:40] + b"\x00" + PACK[41:], lzma.compress(b"\x96\x90\x90\xc4\x00")],
    ids=["empty", "nonsense", "cut", "altered", "another thing"],
)
def test_a_damaged_pack_says_so(pack: bytes) -> None:
    with pytest.raises(BlockDamaged):
        read_pack(pack)
