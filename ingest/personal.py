"""Which keys hold what is personal, and what stands in place of their values.

Names, ID and phone numbers leave nothing behind. Of a picture its SHA-256 stays, so that two records can be
compared. Of a door code or card number a hash under the deployment's own key stays: such numbers are short,
anybody could try all of them against a hash without a key.
"""

import hashlib
import re
from collections.abc import Callable

#: Lower case. Spellings as devices really write them (face gates, TTLock, Hikvision).
DROPPED = frozenset(
    {
        *("name", "personname", "persionname", "username", "realname", "nickname", "birthday"),
        *("idcard", "idcardno", "idno", "idnumber", "passport", "facefeature", "feature"),
        *("telnum", "telnum1", "telnum2", "tel", "telephone", "phone", "phonenumber", "mobile", "email"),
        *("plateno", "plate", "carplate", "licenceplate", "licenseplate"),
    }
)
PICTURES = frozenset(
    {
        *("pic", "sanppic", "snappic", "scene", "scenepic", "tempic", "platepic", "picinfo", "picuri"),
        *("picture", "photo", "image", "face", "facepic", "faceimage"),
    }
)
SECRETS = frozenset(
    {
        *("keyboardpwd", "newkeyboardpwd", "password", "newpassword", "passwd", "pwd", "pin", "pincode"),
        *("passcode", "cardno", "cardnumber", "mjcardno"),
    }
)
PERSONAL = DROPPED | PICTURES | SECRETS

#: More personal values in a payload, fields in a form, or brackets in a quoted value, no message has: all
#: that follows is cut.
MOST = 20_000

#: Hashes an exact value under a key (`storage.personal`).
Keyed = Callable[[str], bytes]

_HASH_BYTES = 16
_REPLACED = re.compile("sha256:[0-9a-f]{64}|hmac:[0-9a-f]{32}")


def is_replaced(value: str) -> bool:
    """Whether a value is what stands in place of another: what was redacted stays as it is."""
    return _REPLACED.fullmatch(value) is not None


def replacement(name: str, value: str, keyed: Keyed | None) -> str | None:
    """Say what stands in place of a value; None: nothing.

    Parameters
    ----------
    name : str
        One of `PERSONAL`.
    keyed : Keyed | None
        None: there is no key, and nothing stays of door codes.
    """
    if not value:
        return None
    if name in PICTURES:
        return f"sha256:{hashlib.sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()}"
    if name in SECRETS and keyed is not None:
        return f"hmac:{keyed(value)[:_HASH_BYTES].hex()}"
    return None
