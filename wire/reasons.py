"""Why a message was quarantined: a closed list, one code a cause."""

from enum import StrEnum


class Reason(StrEnum):
    """Codes of `quarantine.reason`. Each member's comment says what a person should look at."""

    #: Not UTF-8.
    invalid_utf8 = "invalid_utf8"
    #: Not JSON.
    invalid_json = "invalid_json"
    #: Not XML, or XML that defines something.
    invalid_xml = "invalid_xml"
    #: JSON, but not the shape of the format: missing key, wrong type.
    invalid_shape = "invalid_shape"
    #: NaN or infinity where a number is expected.
    not_finite = "not_finite"
    #: Larger than the format allows.
    payload_too_large = "payload_too_large"
    #: More than 50 elements in one array.
    array_too_long = "array_too_long"
    #: An empty array, or a message without a reading.
    empty = "empty"
    #: The topic has a shape that no format knows.
    unknown_topic = "unknown_topic"
    #: No such device in the registry, or no file for its profile; the detail says which.
    unknown_device = "unknown_device"
    #: The device is retired.
    retired_device = "retired_device"
    #: A gateway speaks for a device that is not listed as its child.
    unlisted_child = "unlisted_child"
    #: The address of a device that sends by no gateway of ours belongs to none, or to several.
    unknown_address = "unknown_address"
    #: A message names another device than its topic does.
    wrong_sender = "wrong_sender"
    #: The sender speaks another format than its topic, or none for that topic.
    wrong_format = "wrong_format"
    #: A frame whose checksum, length or framing is wrong.
    invalid_frame = "invalid_frame"
    #: Well formed, but nothing in it is a reading or an event of the device's profile.
    nothing_known = "nothing_known"
    #: Well formed, but of nothing that is kept here; the detail is a code of `devices.scope`.
    out_of_scope = "out_of_scope"
    #: The network server could not do something for a device; the detail has its code.
    network_log = "network_log"
    #: An answer to a command that was not sent to that device.
    unknown_command = "unknown_command"
    #: An answer to a command, of which nothing proves that the device gave it.
    unproven_answer = "unproven_answer"
    #: More messages than the policy grants one device.
    rate_limited = "rate_limited"
    #: The vendor's own decoder failed, or took too long.
    script_failed = "script_failed"
    #: A channel that is not in the closed list, or not in the device's profile.
    unknown_channel = "unknown_channel"
    #: An event type, method or result that is not in the closed list.
    unknown_event = "unknown_event"
    #: A time without a zone, or not a time.
    invalid_time = "invalid_time"
    #: A time before or after anything a meter of ours can have seen.
    time_out_of_range = "time_out_of_range"
    #: A value outside the hard limits of its channel.
    value_out_of_range = "value_out_of_range"
    #: The database refuses the row; the message says why.
    refused_by_database = "refused_by_database"
