"""Huawei's IoT platforms (OceanConnect, IoTDA): NB-IoT devices, from the device or forwarded by the cloud.

    /huawei/v1/devices/<id>/data/json
        {"msgType": "deviceReq",
         "data": [{"serviceId": …, "serviceData": {…}, "eventTime": "20160503T121540Z"}]}
    $oc/devices/<id>/sys/properties/report
        {"services": [{"service_id": …, "properties": {…}, "event_time": …}]}
    $oc/devices/<id>/sys/gateway/sub_devices/properties/report
        {"devices": [{"device_id": …, "services": […]}]}
    to a receiver
        {"resource": "device.property", "notify_data": {"header": {…}, "body": {"services": […]}}, …}
        {"notifyType": "deviceDataChanged", "deviceId": …, "service": {"serviceId": …, "data": {…}, …}}

Fields have the name of their service in front: ``Battery.batteryLevel``. Forwarded devices are known by
`device_id` and by `node_id`, the number on their label. Answers to commands, and what the cloud tells of a
device besides its values, say nothing here.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from devices.decoders import times
from devices.decoders.elements import Refusal
from devices.decoders.fields import flatten, object_of, objects_of, parse_object, text_of
from devices.decoders.reports import DecodeError, Parsed, Report, Value
from devices.decoders.times import NO_TIME, Moment
from wire.reasons import Reason

#: Decoder 8, version 1.
DECODER = 801

UP = (
    "/huawei/v1/devices/+/data/json",
    "$oc/devices/+/sys/properties/report",
    "$oc/devices/+/sys/gateway/sub_devices/properties/report",
)
DOWN = (
    "/huawei/v1/devices/+/command/json",
    "$oc/devices/+/sys/messages/down",
    "$oc/devices/+/sys/commands/#",
    "$oc/devices/+/sys/properties/set/#",
    "$oc/devices/+/sys/properties/get/#",
)
#: What the receiver of forwarded messages is called.
HTTP = ("huawei-iot",)

#: Of one message.
MAX_SERVICES = 2_000

_Object = Mapping[str, object]


class _Said(NamedTuple):
    """What a message says of one device."""

    names: tuple[str, ...]
    services: list[dict[str, object]]
    #: Of the message, where a service has no time.
    time: object = None
    counted: str | None = None


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a message apart.

    Raises
    ------
    DecodeError
        It is none of the shapes above.
    """
    del options
    message = parse_object(payload)
    said = list(_said(topic, message))
    if sum(len(one.services) for one in said) > MAX_SERVICES:
        raise DecodeError(Reason.array_too_long, f"more than {MAX_SERVICES} services")
    reports = (_report(payload, one, index, part) for one in said for index, part in enumerate(one.services))
    return Parsed(reports=tuple(reports))


def _said(topic: str, message: _Object) -> Iterator[_Said]:
    if "msgType" in message:
        if message["msgType"] == "deviceReq":
            services = objects_of(message.get("data"))
            yield _Said(_of_topic(topic), services, counted=text_of(message.get("mid")))
    elif "notifyType" in message:
        if message["notifyType"] in ("deviceDataChanged", "deviceDatasChanged"):
            services = objects_of([message.get("service"), *objects_of(message.get("services"))])
            yield _Said(_names(message, "deviceId"), services, counted=text_of(message.get("requestId")))
    elif "resource" in message:
        if message["resource"] == "device.property":
            told = object_of(message.get("notify_data"))
            names = _names(object_of(told.get("header")), "device_id", "node_id")
            services = objects_of(object_of(told.get("body")).get("services"))
            yield _Said(names, services, message.get("event_time"), text_of(message.get("request_id")))
    elif "devices" in message:
        for device in objects_of(message["devices"]):
            yield _Said(_names(device, "device_id"), objects_of(device.get("services")))
    elif "services" in message:
        yield _Said(_of_topic(topic), objects_of(message["services"]))
    else:
        raise DecodeError(Reason.invalid_shape, "neither msgType, notifyType, resource, devices nor services")


def _report(payload: bytes, said: _Said, index: int, service: _Object) -> Report:
    address, *aliases = said.names or ("",)
    name = text_of(service.get("serviceId")) or text_of(service.get("service_id")) or ""
    data = next((service[key] for key in ("serviceData", "properties", "data") if key in service), None)
    refusal = None if said.names else Refusal(Reason.invalid_shape, "no device is named")
    at, fields = NO_TIME, {}
    try:
        at, fields = _time(service, said.time), flatten({name: data} if name else data)
    except DecodeError as error:
        refusal = error.refusal
    return Report(
        raw=payload,
        address=address or None,
        aliases=tuple(aliases),
        fields=fields,
        at_us=at.at_us,
        local_at=at.local_at,
        counted=None if said.counted is None else f"{said.counted}.{index}",
        refusal=refusal,
    )


def _time(service: _Object, of_message: object) -> Moment:
    found = service.get("eventTime") or service.get("event_time") or of_message
    return NO_TIME if found in (None, "") else times.iso(text_of(found) or "")


def _of_topic(topic: str) -> tuple[str, ...]:
    """Take the device's id from a topic: the level behind `devices`."""
    levels = topic.split("/")
    return (levels[levels.index("devices") + 1],) if "devices" in levels[:-1] else ()


def _names(found: _Object, *keys: str) -> tuple[str, ...]:
    names = (text_of(found.get(key)) for key in keys)
    return tuple(dict.fromkeys(name for name in names if name is not None))
