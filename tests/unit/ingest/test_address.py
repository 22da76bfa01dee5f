import pytest

from ingest.address import BrokerAddress
from ingest.errors import BrokerAddressInvalid


def test_an_address_has_defaults() -> None:
    assert BrokerAddress.parse("mqtt://broker") == BrokerAddress(host="broker", port=1883, tls=False)
    assert BrokerAddress.parse("mqtts://broker/").port == 8883


def test_an_address_says_everything() -> None:
    found = BrokerAddress.parse("mqtts://ingest:p%40ss@[::1]:1234?ca=/a.pem&cert=/c.pem&key=/k.pem")
    assert found == BrokerAddress(
        host="::1",
        port=1234,
        tls=True,
        username="ingest",
        password="p@ss",
        ca="/a.pem",
        cert="/c.pem",
        key="/k.pem",
    )
    assert str(found) == "mqtts://::1:1234"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker:1883",
        "http://broker",
        "mqtt://",
        "mqtt://broker:port",
        "mqtt://broker:99999",
        "mqtt://broker/path",
        "mqtt://broker?ca=/a.pem",
        "mqtts://broker?colour=red",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BrokerAddressInvalid) as caught:
        BrokerAddress.parse(url.replace("://", "://ingest:secret@", 1))
    assert "secret" not in str(caught.value)
