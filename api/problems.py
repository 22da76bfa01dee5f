"""Errors as people and programs read them: RFC 9457, in Chinese and English, nothing of the inside."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastapi import Request
from fastapi.responses import JSONResponse

from api.language import language_of

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, kw_only=True)
class Text:
    """One kind of problem. In braces: a member of the body."""

    status: int
    zh: str
    en: str


#: The closed list: code → status and texts.
TEXTS: Mapping[str, Text] = MappingProxyType(
    {
        "invalid_request": Text(
            status=422, zh="请求中有不合要求的内容", en="Something in the request is not valid"
        ),
        "invalid_cursor": Text(
            status=422,
            zh="翻页标记无效，请从第一页开始",
            en="The cursor is not valid: start from the first page",
        ),
        "malformed": Text(status=400, zh="请求无法读取", en="The request cannot be read"),
        "login_required": Text(status=401, zh="请先登录", en="Please log in"),
        "login_refused": Text(
            status=401, zh="用户名或密码不正确", en="The user name or the password is not correct"
        ),
        "login_locked": Text(
            status=429, zh="登录失败次数过多，请稍后再试", en="Too many failed log-ins: try again later"
        ),
        "csrf": Text(
            status=403, zh="页面已过期，请刷新后重试", en="The page is out of date: reload it and try again"
        ),
        "not_permitted": Text(status=403, zh="您的角色不能进行此操作", en="Your role does not permit this"),
        "not_found": Text(status=404, zh="没有找到", en="Not found"),
        "method_not_allowed": Text(status=405, zh="不支持此操作", en="This is not possible here"),
        "version_conflict": Text(
            status=409,
            zh="有人刚刚处理过，请重新查看后再决定",
            en="Somebody else has just decided: look again before you do",
        ),
        "invalid_transition": Text(
            status=409, zh="当前状态下不能这样处理", en="This is not possible in the present state"
        ),
        "another_open": Text(
            status=409,
            zh="这户已有一条同类的新线索，请处理那一条",
            en="A newer lead of this kind is open for this home: work on that one",
        ),
        "unknown_code": Text(
            status=422, zh="原因或来源不在可选范围内", en="The reason or source is not in the list"
        ),
        "note_required": Text(status=422, zh="选择此原因须写明情况", en="This reason needs a note"),
        "command_not_understood": Text(
            status=422, zh="该设备不支持此指令", en="The device does not understand this command"
        ),
        "command_arguments": Text(
            status=422, zh="指令参数不合要求", en="The command's arguments are not those it takes"
        ),
        "command_reason": Text(
            status=422,
            zh="此指令须填写与之相符的安全理由",
            en="This command needs a reason of safety that fits it",
        ),
        "command_conflict": Text(
            status=409, zh="该编号已用于另一条指令", en="This id belongs to another command"
        ),
        "command_waits": Text(
            status=409,
            zh="同样的指令已由{asked_by}提出，正待第二人复核，请处理那一条",
            en="{asked_by} has asked for the same: it waits for a second person, so work on that one",
        ),
        "command_note_personal": Text(
            status=422,
            zh="说明里不能有电话号码或身份证号，请删去",
            en="A note must not hold a phone number or an identity card number: take it out",
        ),
        "command_note_pressure": Text(
            status=422,
            zh="说明里写到欠租、催缴或清退：这不能是下达指令的理由（行政强制法第四十三条），已予记录；请只写险情",
            en="The note speaks of arrears, rent or moving out, which is no reason for a command "
            "(行政强制法第四十三条); this is recorded. Write of the danger only",
        ),
        "same_person": Text(
            status=409, zh="须由另一人复核", en="Who asked cannot approve: a second person must"
        ),
        "command_pressure": Text(
            status=403,
            zh="不得以停水、停电、停气等方式迫使住户履行；已予拒绝并记录",
            en="Nobody may be made to comply by cutting off water, power or gas: refused, and recorded",
        ),
        "command_pressure_suspected": Text(
            status=403,
            zh="租约已终止且无探测器记录险情，不能远程停供；确有险情请派人现场处置",
            en="The tenancy is over and no device has seen a danger: nothing is cut off from afar. "
            "If there is one, send somebody",
        ),
        "sender_refused": Text(
            status=401,
            zh="设备编号或密钥不正确",
            en="The sender is not known, or its secret is not correct",
        ),
        "too_many_wrong": Text(
            status=429,
            zh="密钥错误次数过多，请稍后再试",
            en="Too many requests with a wrong secret: try again later",
        ),
        "place_needed": Text(
            status=422, zh="须指定一户或一个出入口", en="Name one home or one entrance, not both"
        ),
        "place_taken": Text(
            status=409,
            zh="这里已有另一台设备在用同一通道，请换表或更正",
            en="Another device serves this there: swap it, or correct where it was",
        ),
        "already_installed": Text(
            status=409,
            zh="设备已装在别处，请改为移装或更正",
            en="The device is installed elsewhere: move it, or correct where it was",
        ),
        "not_installed": Text(
            status=409, zh="设备在这段时间没有安装", en="The device is not installed in that period"
        ),
        "nothing_to_install": Text(
            status=422, zh="此型号没有可安装的通道", en="This profile has nothing to install"
        ),
        "other_estate": Text(
            status=422, zh="房屋与设备不在同一小区", en="Home and device belong to different estates"
        ),
        "several_places": Text(
            status=409,
            zh="设备或它的各通道不在同一处，请缩短时间段，或先更正它装在哪里",
            en="A device or its channels are at several places: choose a shorter period, or first correct"
            " where it hangs",
        ),
        "device_retired": Text(status=409, zh="设备已停用", en="The device is retired"),
        "changed_meanwhile": Text(
            status=409,
            zh="安装登记刚被改动，请重新查看后再决定",
            en="These installations have just been changed: look again before you do",
        ),
        "undo_refused": Text(
            status=409,
            zh="不能撤回：时间已过、之后又有改动，或已撤回",
            en="This cannot be undone: too long ago, changed since, or undone already",
        ),
        "recorded_later": Text(
            status=409,
            zh="这一时刻之后还有安装登记，不能这样改动，请改用更正",
            en="More is recorded of the device after that moment: correct where it was instead",
        ),
        "figure_invalid": Text(
            status=422,
            zh="止码和起码须是不小于0的数，倍率须大于0",
            en="A register is a number from 0 on, and a multiplier is one above 0",
        ),
        "register_too_low": Text(
            status=422,
            zh="旧表止码低于它最后上报的读数，请再看一遍表；读不准就不填",
            en="The old meter's last value is below what it has reported: read it again, or leave it out",
        ),
        "period_empty": Text(
            status=422,
            zh="时间段须先开始后结束，且不得始于将来",
            en="The period must begin before it ends, and not in the future",
        ),
        "unknown_profile": Text(status=422, zh="没有这个型号", en="There is no such profile"),
        "invalid_device_code": Text(
            status=422,
            zh="设备编号只能用字母、数字和 . _ -，最多64个",
            en="A device code has 1 to 64 letters, digits and . _ -",
        ),
        "reserved_device_code": Text(
            status=422,
            zh="这个编号是系统自己在消息服务器上用的名字，设备请另取编号",
            en="The code is the name of a service of ours at the broker: call the device something else",
        ),
        "unknown_gateway": Text(status=422, zh="没有这个网关", en="The gateway is not registered"),
        "address_taken": Text(
            status=409, zh="这个网关下已有此地址的设备", en="Another device of this gateway has this address"
        ),
        "not_a_gateway": Text(
            status=422, zh="此型号不是网关", en="This device's profile is not that of a gateway"
        ),
        "is_gateway": Text(
            status=409,
            zh="它是网关，下属有设备，请改用“更换网关”",
            en="It speaks for other devices: replace the gateway instead",
        ),
        "has_children": Text(
            status=409,
            zh="这个网关下还有{children}台设备在用，请先更换网关，或先把这些设备改接、停用",
            en="This gateway still speaks for other devices ({children}): replace it, or first give"
            " them another gateway or retire them",
        ),
        "change_needed": Text(
            status=422,
            zh="须写明要改的型号、网关或地址",
            en="Say what changes: profile, gateway or address",
        ),
        "device_exists": Text(
            status=409,
            zh="这个编号已登记为另一台设备，或登记内容不同",
            en="Another device has this code, or it is registered otherwise: change it",
        ),
        "too_large": Text(status=413, zh="请求内容过大", en="The request is too large"),
        "busy": Text(
            status=503, zh="登录请求过多，请稍后再试", en="Too many are logging in: try again shortly"
        ),
        "database_away": Text(
            status=503,
            zh="数据库暂时无法访问，请稍后再试",
            en="The database does not answer: try again later",
        ),
        "internal": Text(
            status=500, zh="系统出错，已经记录", en="Something went wrong here; it has been recorded"
        ),
    }
)


class Problem(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: str, *, headers: Mapping[str, str] | None = None, **extra: object) -> None:
        super().__init__(code)
        self.code = code
        #: Sent with the reply.
        self.headers = dict(headers or {})
        #: Members of the body beside those of the standard.
        self.extra = extra

    @property
    def text(self) -> Text:
        """Status and texts; what a text leaves open is among the extra members."""
        text = TEXTS[self.code]
        return replace(text, zh=text.zh.format_map(self.extra), en=text.en.format_map(self.extra))


def body_of(problem: Problem, language: str) -> dict[str, object]:
    """The body of a problem, its title in the reader's language and both texts beside it."""
    text = problem.text
    return {
        "type": f"urn:anju:problem:{problem.code}",
        "title": text.zh if language == "zh" else text.en,
        "status": text.status,
        "code": problem.code,
        "zh": text.zh,
        "en": text.en,
        **problem.extra,
    }


def reply(request: Request, problem: Problem) -> JSONResponse:
    """The reply of a problem for programs."""
    language = language_of(request)
    return JSONResponse(
        body_of(problem, language),
        status_code=problem.text.status,
        headers={**problem.headers, "Content-Language": language, "Vary": "Accept-Language"},
        media_type=MEDIA_TYPE,
    )
