"""What is wrong with a file, row by row, in both languages: a closed list of codes and their sentences."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

#: Problems kept in full; further ones are only counted.
KEPT = 1_000
#: Longest piece of a value that is repeated in a message.
_VALUE_CHARS = 60

#: (zh, en) by code. `{…}` are filled from the finding.
SENTENCES = MappingProxyType(
    {
        # the folder and its files
        "no_files": (
            "文件夹里没有可导入的文件；认识的文件名：{known}",
            "the folder holds no file to import; known names: {known}",
        ),
        "unknown_file": (
            "不认识这个文件名；认识的文件名：{known}",
            "unknown file name; known names: {known}",
        ),
        "two_forms": ("同一张表有两个文件，只留一个", "two files for one table: keep one"),
        "unreadable": ("文件打不开或已损坏：{why}", "the file cannot be read: {why}"),
        "encoding": (
            "既不是 UTF-8 也不是 GB18030 编码，请另存为“CSV UTF-8”",
            "neither UTF-8 nor GB18030: save it as “CSV UTF-8”",
        ),
        "encoding_series": (
            "不是 UTF-8 编码，请另存为“CSV UTF-8”",
            "not UTF-8: save it as “CSV UTF-8”",
        ),
        "empty_file": ("文件是空的，连表头也没有", "the file is empty: not even a header"),
        "missing_column": ("缺少必填列“{column}”", "the required column “{column}” is missing"),
        "unknown_column": ("不认识的列；这张表的列：{known}", "unknown column; this table has: {known}"),
        "double_column": ("同一列出现了两次", "the same column twice"),
        "column_type": ("这一列的类型应为{wanted}", "this column should be {wanted}"),
        # one field
        "field_count": (
            "这一行有 {found} 个字段，表头有 {wanted} 个",
            "the row has {found} fields, the header {wanted}",
        ),
        "required": ("必填，不能为空", "required: must not be empty"),
        "too_long": ("太长，最多 {limit} 个字", "too long: at most {limit} characters"),
        "control_character": ("含有不可见的控制字符", "holds an invisible control character"),
        "not_whole": ("不是整数（不要写千位逗号和单位）", "not a whole number (no thousands comma, no unit)"),
        "not_number": ("不是数字（不要写千位逗号和单位）", "not a number (no thousands comma, no unit)"),
        "out_of_range": ("超出范围，应在 {low} 到 {high} 之间", "out of range: {low} to {high}"),
        "not_flag": ("应为 true/false 或 是/否", "should be true or false"),
        "not_date": ("不是日期，应为 2026-11-24", "not a date: 2026-11-24 is one"),
        "not_time": (
            "不是时间，应为 2026-11-24 08:00 或 2026-11-24T08:00:00+08:00",
            "not a time: 2026-11-24 08:00 or 2026-11-24T08:00:00+08:00 is one",
        ),
        "time_skipped": (
            "小区所在时区没有这个时刻（夏令时跳过），请写明时区",
            "this local time does not exist in the estate's zone: state the zone",
        ),
        "time_twice": (
            "小区所在时区这个时刻出现两次（夏令时结束），请写明时区",
            "this local time occurs twice in the estate's zone: state the zone",
        ),
        "time_outside": (
            "时间太早或太晚，任何一只表都不可能测到",
            "earlier or later than any meter of ours can have measured",
        ),
        "not_in_list": ("不在清单内；可用：{known}", "not in the closed list: {known}"),
        "not_a_zone": ("不认识的时区，应为 Asia/Shanghai 之类", "unknown time zone: Asia/Shanghai is one"),
        "zone_changes": (
            "这个时区在 {first}—{last} 年间调整钟点（如夏令时）：一天必须总是 24 小时，可用 Asia/Shanghai、"
            "Asia/Urumqi 之类",
            "clocks change in this zone between {first} and {last} (summer time): every day must have 24"
            " hours, as in Asia/Shanghai or Asia/Urumqi",
        ),
        "zone_not_whole": (
            "这个时区与 UTC 相差不是整小时：用量按整小时保存，可用 Asia/Shanghai、Asia/Urumqi 之类",
            "this zone is not a whole number of hours from UTC: consumption is kept in hours, as they are"
            " in Asia/Shanghai or Asia/Urumqi",
        ),
        "not_device_code": (
            "设备编号会出现在 MQTT 主题里，只能用字母、数字和 . _ -，最多 64 个",
            "a device code stands in MQTT topics: letters, digits and . _ - only, at most 64",
        ),
        "reserved_device_code": (
            "这个编号是系统自己在消息服务器上用的名字，设备请另取编号",
            "the code is the name of a service of ours at the broker: call the device something else",
        ),
        # rows against rows
        "double_key": ("与第 {other} 行重复", "the same as line {other}"),
        "needs_estate": (
            "有几个小区时必须写明 estate",
            "with more than one estate the column estate must say which",
        ),
        "unknown_reference": (
            "找不到：导入文件和数据库里都没有这个{noun_zh}",
            "unknown {noun_en}: neither in this folder nor in the database",
        ),
        "order": ("结束早于或等于开始（{start}）", "ends before or when it starts ({start})"),
        "overlap": (
            "与{other}的时间重叠：{what_zh}",
            "overlaps with {other}: {what_en}",
        ),
        "household_differs": (
            "同一住户写了不同的人数或独居标记（第 {other} 行）",
            "the same household with another size or elder flag (line {other})",
        ),
        "household_size": (
            "新住户没有人数：在 leases 写 household_size，或在 residents 列出成员",
            "a new household without a size: give household_size in leases or list its residents",
        ),
        "unit_or_entrance": (
            "unit 和 entrance 必须且只能填一个",
            "exactly one of unit and entrance must be given",
        ),
        "channel_not_in_profile": (
            "设备型号“{profile}”没有这个通道；可用：{known}",
            "the profile “{profile}” has no such channel: {known}",
        ),
        "events_not_in_profile": (
            "设备型号“{profile}”不上报这种事件",
            "the profile “{profile}” does not send this event",
        ),
        # accepted, but to be looked at
        "read_as_gb18030": (
            "按 GB18030 编码读取（不是 UTF-8）；请抽查几个汉字",
            "read as GB18030 (it is not UTF-8): check a few characters",
        ),
        "not_installed": (
            "{count} 条读数不在设备的安装期内：会保存，但不计入任何房屋",
            "{count} readings lie outside the device's installation: stored, but of no home",
        ),
        "soft_limit": (
            "{count} 个值超出常见范围：会保存并加标记",
            "{count} values beyond the usual range: stored and flagged",
        ),
        "long_lease": (
            "租期 {days} 天，超过政策的常见上限（{article}）",
            "a lease of {days} days, longer than the policy's usual limit ({article})",
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding about one place in one file."""

    file: str
    #: As an editor counts, the header is line 1; in Parquet the row number; None: the whole file.
    line: int | None
    column: str | None
    #: What stands there, cut to a readable length.
    value: str | None
    code: str
    zh: str
    en: str


@dataclass(kw_only=True)
class Problems:
    """Everything found so far: all of it counted, the first `KEPT` kept in full."""

    kept: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    count: int = 0
    by_file: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        code: str,
        *,
        file: str,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        **words: object,
    ) -> None:
        """Record something that stops the import."""
        self.count += 1
        self.by_file[file] += 1
        if len(self.kept) < KEPT:
            self.kept.append(_problem(code, file=file, line=line, column=column, value=value, words=words))

    def add_uncounted(self, *, file: str, further: int) -> None:
        """Count findings that are not worth a sentence each."""
        self.count += further
        self.by_file[file] += further

    def notice(
        self,
        code: str,
        *,
        file: str,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        **words: object,
    ) -> None:
        """Record something that is accepted but should be looked at."""
        if len(self.notices) < KEPT:
            self.notices.append(_problem(code, file=file, line=line, column=column, value=value, words=words))

    def full(self) -> bool:
        """True when further problems are only counted."""
        return len(self.kept) >= KEPT


def as_json(problem: Problem) -> dict[str, object]:
    """A plain mapping for `--json`."""
    return asdict(problem)


def _problem(
    code: str, *, file: str, line: int | None, column: str | None, value: object, words: dict[str, object]
) -> Problem:
    zh, en = SENTENCES[code]
    text = None if value is None else str(value)
    if text is not None and len(text) > _VALUE_CHARS:
        text = text[:_VALUE_CHARS] + "…"
    words = {"column": column, **words}
    return Problem(
        file=file,
        line=line,
        column=column,
        value=text,
        code=code,
        zh=zh.format(**words),
        en=en.format(**words),
    )
