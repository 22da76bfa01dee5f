"""Which keys hold what is personal, and what stands in place of their values.

Names, ID and phone numbers leave nothing behind. Of a picture its SHA-256 stays, so that two records can be
compared. Of a door code or card number a hash under the deployment's own key stays: such numbers are short,
anybody could try all of them against a hash without a key.
"""

import hashlib
import re
from collections.abc import Callable


def _each(fronts: str, *ends: str) -> frozenset[str]:
    """All names that begin with one of these words, or none, and end in one of those."""
    return frozenset(front + end for front in ("", *fronts.split()) for end in ends)


_WHO = (
    "user person persion owner customer visitor guest resident staff employee member admin contact"
    " real full nick"
)
_NUMBERED = ("", "no", "num", "number")
#: As `plain` has them. Spellings as devices really write them (face gates, TTLock, Hikvision, Zigbee2MQTT),
#: and those of the same families.
DROPPED = (
    frozenset(
        {"birthday", "passport", "facefeature", "feature", "telnum1", "telnum2", "email", "account", "admin"}
    )
    | _each(_WHO, "name", "surname")
    | _each(
        _WHO,
        *(f"{what}{no}" for what in ("idcard", "cert", "certificate", "passport") for no in _NUMBERED[1:]),
    )
    | _each(_WHO, "idcard", "idno", "idnum", "idnumber", "identityno", "identitycard")
    | _each(_WHO, *(f"{what}{no}" for what in ("tel", "telephone", "phone", "mobile") for no in _NUMBERED))
    | _each("car license licence vehicle", "plate", "plateno", "platenum", "platenumber")
)
PICTURES = frozenset({"sanppic", "scene", "picinfo", "face", "facedata"}) | _each(
    "face facial snap capture captured scene person user card idcard plate tem live register",
    *(
        f"{what}{how}"
        for what in ("pic", "picture", "img", "image", "photo")
        for how in ("", "base64", "data", "uri", "url")
    ),
)
SECRETS = _each(
    "user door lock keyboard newkeyboard new old admin open unlock mj ic access",
    *("password", "passwd", "pwd", "pin", "pincode", "passcode"),
    *(f"card{no}" for no in ("no", "num", "number", "id", "code", "sn")),
)
PERSONAL = DROPPED | PICTURES | SECRETS
#: What offices call people by, at gates: a pseudonym, unless it is their ID or phone number after all.
PEOPLE = frozenset({"customid", "customizeid", "personuuid", "personid", "employeeno", "employeenostring"})

#: More personal values in a payload, fields in a form, or brackets in a quoted value, no message has: all
#: that follows is cut.
MOST = 20_000

#: Hashes an exact value under a key (`storage.personal`).
Keyed = Callable[[str], bytes]

_HASH_BYTES = 16
#: All of these.
WATCHED = PERSONAL | PEOPLE
_KEYED = SECRETS | PEOPLE
_BETWEEN = str.maketrans("", "", "_- ")
# A resident's ID number (GB 11643), and a mobile number of the mainland.
_TELLING = re.compile(r"\d{17}[0-9Xx]|1[3-9]\d{9}")
_REPLACED = re.compile("sha256:[0-9a-f]{64}|hmac:[0-9a-f]{32}")


def plain(name: str) -> str:
    """How names are compared: lower case, and nothing between their words."""
    return name.lower().translate(_BETWEEN)


def is_telling(value: str) -> bool:
    """Whether what should be a pseudonym is an ID or phone number."""
    return _TELLING.fullmatch(value.strip()) is not None


def must_go(name: str, value: str) -> bool:
    """Whether what stands under a name, and is no more than text, must not stay."""
    return (
        bool(value)
        and not is_replaced(value)
        and (name in PERSONAL or (name in PEOPLE and is_telling(value)))
    )


def is_replaced(value: str) -> bool:
    """Whether a value is what stands in place of another: what was redacted stays as it is."""
    return _REPLACED.fullmatch(value) is not None


def replacement(name: str, value: str, keyed: Keyed | None) -> str | None:
    """Say what stands in place of a value; None: nothing.

    Parameters
    ----------
    name : str
        Of a value that `must_go`.
    keyed : Keyed | None
        None: there is no key, and nothing stays of door codes.
    """
    if not value:
        return None
    if name in PICTURES:
        return f"sha256:{hashlib.sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()}"
    if name in _KEYED and keyed is not None:
        return f"hmac:{keyed(value.strip())[:_HASH_BYTES].hex()}"
    return None
