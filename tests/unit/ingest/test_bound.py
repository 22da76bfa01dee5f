import pytest
from paho.mqtt.client import topic_matches_sub

from ingest.bound import Bound
from ingest.errors import FilterInvalid

FILTERS = ["hm/v1/+/#", "hm/v1/home-1/up/m", "hm/#", "#", "+/v1/+/up/+", "+", "hm/v1/+", "a.c/+"]
TOPICS = [
    "hm/v1/home-1/up/m",
    "hm/v1/home-1",
    "hm/v1/home-1/",
    "hm",
    "hm/v2/x",
    "abc/d",
    "a.c/d",
    "hm/v1//up/m",
    "hm/\n",
]


@pytest.mark.parametrize("topic_filter", FILTERS)
def test_a_filter_covers_what_mqtt_says(topic_filter: str) -> None:
    for topic in TOPICS:
        assert Bound([topic_filter]).covers(topic) == topic_matches_sub(topic_filter, topic), topic


def test_nothing_is_bound_by_default_and_any_filter_is_enough() -> None:
    assert not Bound([]).covers("hm/v1/a/up/m")
    assert Bound(["x", "hm/v1/a/#"]).covers("hm/v1/a/up/m")


@pytest.mark.parametrize("topic_filter", ["", "a/#/b", "a#", "a+/b", "#/a", "a/b+"])
def test_what_is_no_filter_is_refused(topic_filter: str) -> None:
    with pytest.raises(FilterInvalid):
        Bound([topic_filter])
