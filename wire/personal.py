"""Which keys of a message hold what is personal: a closed list, by what they are called.

Ingest cuts their values out of every message before anything else sees it (`ingest.redaction`). Nothing is
left of names, ID and phone numbers; of pictures and door codes a hash is.
"""


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
#: All of these.
WATCHED = PERSONAL | PEOPLE

_BETWEEN = str.maketrans("", "", "_- ")


def plain(name: str) -> str:
    """How names are compared: lower case, and nothing between their words."""
    return name.lower().translate(_BETWEEN)
