"""A photo of a label, read here where the browser cannot: grey pixels as the page's script sends them.

No picture format is parsed: the script draws the photo on a canvas and sends one byte a pixel.
"""

from typing import Annotated

import numpy as np
import zxingcpp
from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.auth import Account
from api.permissions import Needs
from api.problems import Problem

router = APIRouter()

PATH = "/commissioning/photo"
#: A thousand pixels on the longer side, and then some.
MAX_BYTES = 1_200_000
_SMALLEST = 20


@router.post(PATH)
async def read_photo(
    *,
    request: Request,
    _account: Annotated[Account, Depends(Needs("device.install"))],
    width: Annotated[int, Query(ge=_SMALLEST, le=4000)],
) -> JSONResponse:
    """The texts of the codes in a picture."""
    body = await request.body()
    height, rest = divmod(len(body), width)
    if rest or height < _SMALLEST:
        raise Problem("malformed")
    pixels = np.frombuffer(body, dtype=np.uint8).reshape(height, width)
    found = await run_in_threadpool(zxingcpp.read_barcodes, pixels)
    return JSONResponse({"texts": [one.text for one in found if one.text][:8]})
