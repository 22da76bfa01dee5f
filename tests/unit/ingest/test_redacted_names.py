"""However a key is spelled, what is personal goes, in every format; what is measured stays."""

import json

import pytest

from ingest.redaction import redact
from tests.unit.ingest.hashes import hashed, keyed, pictured
from wire.personal import plain


@pytest.mark.parametrize("telling", ["11010119900101123x", "110101199001011234", "13800000000"])
@pytest.mark.parametrize(
    "form", ['{{"customId":"{}","v":1}}', "<a><employeeNo>{}</employeeNo></a>", "personId={}"]
)
def test_a_pseudonym_that_is_an_id_or_phone_number_is_none(form: str, telling: str) -> None:
    left, cut = redact(form.format(telling).encode(), keyed)
    assert telling not in left.decode()
    assert hashed(telling) in left.decode().replace("%3A", ":")
    assert cut <= {"customid", "employeeno", "personid"}
    assert cut
    assert telling not in redact(form.format(telling).encode())[0].decode()
    # An office's own number stays.
    own = form.format("1017").encode()
    assert redact(own, keyed) == (own, frozenset())


@pytest.mark.parametrize("name", ["pin_code", "PinCode", "card_no", "cardNum", "user-pin", "door_password"])
def test_a_secret_in_another_spelling_does_not_stay_in_clear(name: str) -> None:
    kept, cut = redact(json.dumps({"users": {"1": {name: "123456", "status": "enabled"}}}).encode(), keyed)
    assert b"123456" not in kept
    assert b"hmac:" in kept
    assert json.loads(kept)["users"]["1"]["status"] == "enabled"
    assert cut == {plain(name)}


@pytest.mark.parametrize(
    "name",
    [
        *("admin", "account", "username", "user_name", "real_name", "id_card", "IDCardNum", "certNo"),
        *("userIdCard", "phone_number", "Phone-Number", "visitor_name"),
    ],
)
def test_a_person_in_another_spelling_does_not_stay_in_clear(name: str) -> None:
    for payload in (
        json.dumps({name: "Wang 13800138000"}).encode(),
        f"<a><{name}>Wang 13800138000</{name}></a>".encode(),
        f"{name}=Wang+13800138000&x=1".encode(),
    ):
        kept, cut = redact(payload)
        assert b"Wang" not in kept
        assert cut == {plain(name)}


@pytest.mark.parametrize(
    "name",
    ["faceImg", "img", "imgBase64", "picBase64", "FacePicture", "capturePic", "capture_pic", "snap_image"],
)
def test_a_picture_in_another_spelling_does_not_stay_in_clear(name: str) -> None:
    kept, _ = redact(json.dumps({name: "/9j/4AAQ"}).encode())
    assert json.loads(kept)[name] == pictured("/9j/4AAQ")


@pytest.mark.parametrize(
    "name",
    [
        *("energy", "active_energy", "device_name", "phase_a", "phone_battery", "image_count", "temperature"),
        *(
            "pin_count",
            "card_count",
            "voltage",
            "id",
            "device_id",
            "meterNo",
            "no",
            "number",
            "base64",
            "data",
        ),
    ],
)
def test_what_is_measured_is_not_taken_for_personal(name: str) -> None:
    payload = json.dumps({name: "12.5"}).encode()
    assert redact(payload) == (payload, frozenset())
