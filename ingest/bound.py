"""Which topics prove their sender: those that the broker binds to the publisher's credential."""

import re
from collections.abc import Iterable

from ingest.errors import FilterInvalid


class Bound:
    """The topic filters named in ANJU_MQTT_BOUND."""

    def __init__(self, filters: Iterable[str]) -> None:
        self._filters = [_pattern(topic_filter) for topic_filter in filters]

    def covers(self, topic: str) -> bool:
        """Whether a message on this topic proves its device."""
        return any(pattern.fullmatch(topic) for pattern in self._filters)


def _pattern(topic_filter: str) -> re.Pattern[str]:
    *front, last = topic_filter.split("/")
    wild = ["#" in level or ("+" in level and level != "+") for level in front]
    if not topic_filter or any(wild) or ("#" in last and last != "#") or ("+" in last and last != "+"):
        raise FilterInvalid(f"not a topic filter of MQTT: {topic_filter!r}")
    if last == "#":
        # `a/#` takes `a` too; `#` takes everything.
        return re.compile("/".join(map(_level, front)) + "(/.*)?" if front else ".*", re.DOTALL)
    return re.compile("/".join(map(_level, [*front, last])))


def _level(level: str) -> str:
    return "[^/]*" if level == "+" else re.escape(level)
