"""What stands in place of personal values (`wire.personal` says which those are).

Names, ID and phone numbers leave nothing behind. Of a picture its SHA-256 stays, so that two records can be
compared. Of a door code or card number a hash under the deployment's own key stays: such numbers are short,
anybody could try all of them against a hash without a key.
"""

import hashlib
import re
from collections.abc import Callable

from wire.personal import PEOPLE, PERSONAL, PICTURES, SECRETS

#: More personal values in a payload, fields in a form, or brackets in a quoted value, no message has: all
#: that follows is cut.
MOST = 20_000

#: Hashes an exact value under a key (`storage.personal`).
Keyed = Callable[[str], bytes]

_HASH_BYTES = 16
_KEYED = SECRETS | PEOPLE
# A resident's ID number (GB 11643), and a mobile number of the mainland.
_TELLING = re.compile(r"\d{17}[0-9Xx]|1[3-9]\d{9}")
_REPLACED = re.compile("sha256:[0-9a-f]{64}|hmac:[0-9a-f]{32}")


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
