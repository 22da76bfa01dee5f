"""The files that an import knows, and their columns. `docs/reference/import-files.md` says the same."""

from dataclasses import dataclass
from types import MappingProxyType

from anju.importer.columns import Column, day, flag, moment, number, text, whole, zone_name

_CODE = text(64)
_EARLIEST_FLOOR, _HIGHEST_FLOOR = -5, 200


@dataclass(frozen=True, kw_only=True)
class Table:
    """One file with one row a line."""

    #: File name without its ending.
    name: str
    columns: tuple[Column, ...]
    #: Columns that identify a row.
    key: tuple[str, ...]

    def column(self, header: str) -> Column | None:
        """The column that a header names, by name or alias."""
        wanted = header.strip().lower()
        return next((c for c in self.columns if wanted == c.name or wanted in c.aliases), None)


_ESTATE = Column(name="estate", aliases=("小区", "小区编号"), parse=_CODE, default="")
_UNIT = Column(name="unit", aliases=("房号", "房屋"), parse=_CODE, required=True)

TABLES: tuple[Table, ...] = (
    Table(
        name="estates",
        key=("code",),
        columns=(
            Column(name="code", aliases=("编号", "小区编号"), parse=_CODE, required=True),
            Column(name="name", aliases=("名称", "小区名称"), parse=text(), required=True),
            Column(name="name_en", aliases=("英文名",), parse=text(), default=""),
            Column(name="city", aliases=("城市", "政策"), parse=_CODE, required=True),
            Column(name="time_zone", aliases=("时区",), parse=zone_name, default="Asia/Shanghai"),
        ),
    ),
    Table(
        name="buildings",
        key=("estate", "code"),
        columns=(
            _ESTATE,
            Column(name="code", aliases=("编号", "楼栋", "楼号"), parse=_CODE, required=True),
            Column(name="name", aliases=("名称",), parse=text(), default=""),
        ),
    ),
    Table(
        name="units",
        key=("estate", "code"),
        columns=(
            _ESTATE,
            Column(name="building", aliases=("楼栋", "楼号"), parse=_CODE, required=True),
            Column(name="code", aliases=("编号", "房号"), parse=_CODE, required=True),
            Column(name="stair", aliases=("单元",), parse=_CODE, default=""),
            Column(
                name="floor",
                aliases=("楼层",),
                parse=whole(_EARLIEST_FLOOR, _HIGHEST_FLOOR),
                required=True,
            ),
            Column(name="door", aliases=("门牌", "室号"), parse=_CODE, required=True),
            Column(name="area_m2", aliases=("面积",), parse=number(1, 1_000)),
            Column(name="rooms", aliases=("房间数",), parse=whole(1, 30)),
            Column(name="contract_kw", aliases=("报装容量",), parse=number(0.5, 500)),
        ),
    ),
    Table(
        name="residents",
        key=("code",),
        columns=(
            Column(name="code", aliases=("编号",), parse=_CODE, required=True),
            Column(name="household", aliases=("住户", "家庭"), parse=_CODE, default=None),
            Column(name="subject", aliases=("门禁编号",), parse=_CODE, default=""),
            Column(name="name", aliases=("姓名",), parse=text(), default="", personal=True),
            Column(name="phone", aliases=("电话", "手机"), parse=text(40), default="", personal=True),
            Column(name="id_no", aliases=("证件号", "身份证号"), parse=text(40), default="", personal=True),
        ),
    ),
    Table(
        name="leases",
        key=("code",),
        columns=(
            Column(name="code", aliases=("编号", "合同编号"), parse=_CODE, required=True),
            _ESTATE,
            _UNIT,
            Column(name="household", aliases=("住户", "家庭"), parse=_CODE, required=True),
            Column(name="starts_on", aliases=("开始日期", "起租日"), parse=day, required=True),
            Column(name="ends_on", aliases=("结束日期", "到期日"), parse=day, required=True),
            Column(name="household_size", aliases=("人数",), parse=whole(1, 50)),
            Column(name="elder_alone", aliases=("独居老人",), parse=flag),
        ),
    ),
    Table(
        name="occupants",
        key=("estate", "unit", "resident", "starts_at"),
        columns=(
            _ESTATE,
            _UNIT,
            Column(name="resident", aliases=("住户成员", "人员"), parse=_CODE, required=True),
            Column(name="lease", aliases=("合同编号", "租约"), parse=_CODE, default=None),
            Column(name="relation", aliases=("关系",), parse=text(40), default="tenant"),
            Column(name="starts_at", aliases=("开始", "入住"), parse=moment, required=True),
            Column(name="ends_at", aliases=("结束", "搬离"), parse=moment),
        ),
    ),
    Table(
        name="absences",
        key=("estate", "unit", "starts_at"),
        columns=(
            _ESTATE,
            _UNIT,
            Column(name="registered_at", aliases=("报备时间",), parse=moment, required=True),
            Column(name="starts_at", aliases=("开始", "离家"), parse=moment, required=True),
            Column(name="ends_at", aliases=("结束", "返回"), parse=moment, required=True),
            Column(name="reason", aliases=("原因",), parse=text(), required=True),
            Column(name="approved_by", aliases=("批准人",), parse=text(64), default=""),
        ),
    ),
    Table(
        name="devices",
        key=("code",),
        columns=(
            Column(name="code", aliases=("编号", "设备编号"), parse=_CODE, required=True),
            _ESTATE,
            Column(name="profile", aliases=("型号",), parse=_CODE, required=True),
            Column(name="serial", aliases=("表号", "序列号"), parse=text(64), default=""),
            # nothing said: as it is registered
            Column(name="gateway", aliases=("网关", "网关编号"), parse=_CODE, default=None),
            Column(name="address", aliases=("地址", "通信地址"), parse=text(64), default=None),
        ),
    ),
    Table(
        name="installations",
        key=("device", "channel", "valid_from"),
        columns=(
            Column(name="device", aliases=("设备编号", "设备"), parse=_CODE, required=True),
            Column(name="channel", aliases=("通道",), parse=_CODE, required=True),
            _ESTATE,
            Column(name="unit", aliases=("房号", "房屋"), parse=_CODE, default=None),
            Column(name="entrance", aliases=("门口", "出入口"), parse=text(64), default=None),
            Column(name="valid_from", aliases=("开始", "安装时间"), parse=moment, required=True),
            Column(name="valid_to", aliases=("结束", "拆除时间"), parse=moment),
            Column(name="multiplier", aliases=("倍率",), parse=number(1e-6, 1e6), default=1.0),
        ),
    ),
)

BY_NAME = MappingProxyType({table.name: table for table in TABLES})

#: Columns of the two files that may be too large for memory: name → required.
READING_COLUMNS = MappingProxyType(
    {"device": True, "channel": True, "time": True, "value": True, "received_at": False}
)
EVENT_COLUMNS = MappingProxyType(
    {
        "device": True,
        "time": True,
        "type": True,
        "method": False,
        "subject": False,
        "result": False,
        "value": False,
        "received_at": False,
    }
)
#: Chinese headers of the two.
SERIES_ALIASES = MappingProxyType(
    {
        "设备编号": "device",
        "设备": "device",
        "通道": "channel",
        "时间": "time",
        "读数": "value",
        "示数": "value",
        "数值": "value",
        "接收时间": "received_at",
        "类型": "type",
        "方式": "method",
        "人员": "subject",
        "结果": "result",
    }
)
