"""What a home draws at rest, by day, from the days before."""

from typing import Protocol

import numpy as np

from anomaly.window import Floats


class RestRules(Protocol):
    """The part of the policy that says what rest is; `policy.groups.ElderSilence` is one."""

    @property
    def rest_factor(self) -> float: ...
    @property
    def rest_margin_kwh(self) -> float: ...
    @property
    def rest_hours(self) -> int: ...
    @property
    def rest_days(self) -> int: ...
    @property
    def rest_share(self) -> float: ...
    @property
    def rest_min_days(self) -> int: ...


def resting(kwh: Floats, rules: RestRules) -> Floats:
    """The most that an hour at rest draws, (units, days); NaN where too few days before are known.

    Parameters
    ----------
    kwh : (units, hours)
        Whole local days; a day with an unknown hour teaches nothing.
    """
    days = kwh.reshape(kwh.shape[0], -1, 24)
    stretches = np.lib.stride_tricks.sliding_window_view(days, rules.rest_hours, axis=2)
    quietest = np.where(np.isfinite(days).all(axis=2), stretches.sum(axis=-1).argmin(axis=2), 0)
    most = np.take_along_axis(stretches.max(axis=-1), quietest[..., None], axis=2)[..., 0]
    most = np.where(np.isfinite(days).all(axis=2), most, np.float32(np.inf))
    span = rules.rest_days
    padded = np.pad(most, ((0, 0), (span, 0)), constant_values=np.inf)[:, :-1]
    before = np.sort(np.lib.stride_tricks.sliding_window_view(padded, span, axis=1), axis=-1)
    count = np.isfinite(before).sum(axis=-1)
    place = np.rint(rules.rest_share * np.maximum(count - 1, 0)).astype(np.int32)
    level = np.take_along_axis(before, place[..., None], axis=-1)[..., 0]
    return np.where(count >= rules.rest_min_days, level, np.float32(np.nan)).astype(np.float32)
