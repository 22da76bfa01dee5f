"""What a note to a command must not hold: who somebody is, and what would put pressure on a resident. Pure.

A note is read by everybody who may see the command, and stays. The lists are short on purpose: what a person
writes of a danger must pass, so a word is here only where no danger is described by it.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Unfit(StrEnum):
    """Why a note is refused."""

    #: A phone number or the number of an identity card.
    personal = "personal"
    #: Arrears, rent or moving out: never a reason for a command (行政强制法 Art. 43).
    pressure = "pressure"


#: What is said of a note, to who does not read the API's texts.
SAID: Mapping[Unfit, str] = MappingProxyType(
    {
        Unfit.personal: "a note must not hold a phone number or an identity card number",
        Unfit.pressure: "the note speaks of arrears, rent or moving out: that is no reason for a command",
    }
)

_SPACE = r"[ \-]?"
_PERSONAL = re.compile(
    # a mobile number of the mainland, as people write it
    rf"(?<!\d)(?:\+?(?:00)?86{_SPACE})?1[3-9]\d{_SPACE}\d{{4}}{_SPACE}\d{{4}}(?!\d)"
    # one of a fixed line; without a mark between them its digits may be a meter's address
    r"|(?<!\d)\(?0\d{2,3}(?:\)[ \-]?|[ \-])\d{3,4}[ \-]?\d{4}(?!\d)"
    # an identity card (GB 11643): place, day of birth, order, check digit
    rf"|(?<!\d)\d{{6}}{_SPACE}(?:19|20)\d\d{_SPACE}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]){_SPACE}\d{{3}}[\dXx]"
    r"(?![0-9A-Za-z])"
)
_PRESSURE_ZH = re.compile(
    "欠租|欠费|欠缴|欠交|欠款|拖欠|租金|房租|催租|催缴|催费|催收|交租|缴租|滞纳金|罚款|清退|腾退|腾房|退租|赶走|赶出|逼走"
    "|逼迁|租约到期|租期|合同到期|强制执行"
)
_PRESSURE_EN = re.compile(
    r"\b(?:arrears|rents?|unpaid|overdue|non-?payment|debts?|owe[sd]?|owing|evict\w*|"
    r"mov(?:e|ing) (?:them |him |her )?out|lease (?:has |is )?(?:ended|expired|over))\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s+")


def unfit(note: str) -> Unfit | None:
    """Why a note must not be kept; None: it may."""
    plain = unicodedata.normalize("NFKC", note)
    if _PERSONAL.search(plain):
        return Unfit.personal
    # Chinese has no spaces between words: one put there hides nothing
    if _PRESSURE_ZH.search(_BETWEEN.sub("", plain)) or _PRESSURE_EN.search(plain):
        return Unfit.pressure
    return None
