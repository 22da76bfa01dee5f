"""Signals with words like a detector's, for pages that show them."""

import json
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from storage.pool import Connection

ZONE = ZoneInfo("Asia/Shanghai")


def store(
    connection: Connection,
    unit_id: int,
    *,
    kind: str,
    days: float,
    spread: float,
    score: float,
    as_of: date,
    now: datetime,
) -> None:
    """Store what a detector would say of one home as of one evening, `days` after it began."""
    since = (now - timedelta(days=days)).replace(minute=0, second=0)
    until = now.astimezone(ZONE).date()
    evidence = _leak(since, until) if kind == "leak" else _idle(kind, int(days), since, as_of)
    quality = {
        "sources": {
            "energy": {"known_days": int(days) - 2, "days": int(days)},
            "water": {"known_days": int(days) - 1, "days": int(days)},
            "door": {"known_days": int(days), "days": int(days)},
        },
        "unknown": [
            {
                "zh": "是否有尚未报备的离家原因，例如住院、探亲、外地工作。",
                "en": "Whether there is a reason to be away that was not registered: hospital, family.",
            }
        ],
    }
    at = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), ZONE)
    connection.execute(
        "INSERT INTO signal (unit_id, kind, as_of, at, since, since_pm_days, score, evidence, quality,"
        " detector, policy) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'seed/1', 'seed')",
        [unit_id, kind, as_of, at, since, spread, score, json.dumps(evidence), json.dumps(quality)],
    )


def _idle(kind: str, days: int, since: datetime, as_of: date) -> list[dict[str, object]]:
    first = since.astimezone(ZONE).date().isoformat()
    dates = {"from": first, "to": as_of.isoformat()}
    over = "；法定期限至2026-11-02，已超过" if kind == "idle_limit" else ""
    over_en = "; the legal limit ended on 2026-11-02" if kind == "idle_limit" else ""
    return [
        {
            "code": "idle_days",
            "weight": 3 if days > 90 else 2,
            "zh": f"{days}天没有生活迹象，电、水和门三个来源一致；无离家报备{over}",
            "en": f"No sign of life for {days} days; electricity, water and door agree{over_en}",
            "source": "energy",
            "numbers": {"days": days},
            **dates,
        },
        {
            "code": "energy_standby",
            "weight": 1,
            "zh": f"用电停在待机水平，每天约1.4千瓦时，之前四周每天约9.6千瓦时（{days - 2}天有数据）",
            "en": "Electricity stays at standby, about 1.4 kWh a day; before about 9.6",
            "source": "energy",
            "numbers": {},
            **dates,
        },
        {
            "code": "water_none",
            "weight": 1,
            "zh": f"没有用水，之前四周每天约141升（{days - 1}天有数据）",
            "en": "No water was used; in the four weeks before about 141 L a day",
            "source": "water",
            "numbers": {},
            **dates,
        },
        {
            "code": "earlier_return",
            "weight": -1,
            "zh": "以前也有过38天没有生活迹象，后来有人回来",
            "en": "There was a time of 38 days without a sign of life before, after which people came back",
            "source": "register",
            "numbers": {},
            **dates,
        },
        {
            "code": "door_missing",
            "weight": 0,
            "zh": "没有室内传感器数据",
            "en": "No indoor sensor data",
            "source": "device",
            "numbers": {},
            "from": None,
            "to": None,
        },
    ]


def _leak(since: datetime, until: date) -> list[dict[str, object]]:
    day = since.astimezone(ZONE).date().isoformat()
    dates = {"from": day, "to": until.isoformat()}
    return [
        {
            "code": "leak_run",
            "weight": 3,
            "zh": "持续用水26小时，每小时约72升，没有一小时为零",
            "en": "Water has run for 26 hours, about 72 L an hour; no hour at zero",
            "source": "water",
            "numbers": {"hours": 26},
            **dates,
        },
        {
            "code": "leak_flat",
            "weight": 2,
            "zh": "最近24小时中有22小时的用水几乎一样多",
            "en": "On 22 of the last 24 hours the flow was almost the same",
            "source": "water",
            "numbers": {},
            **dates,
        },
        {
            "code": "earlier_runs",
            "weight": -1,
            "zh": "今年有过一次持续14小时的用水，自行停止",
            "en": "Once this year water ran for 14 hours and stopped by itself",
            "source": "water",
            "numbers": {},
            **dates,
        },
    ]
