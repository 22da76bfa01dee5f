"""Scripts that try to take time, memory or more, as if they were a vendor's own."""


def _uplink(body: str) -> str:
    return f"function decodeUplink(input) {{ {body} }}"


#: Those that never end …
ENDLESS = {
    "endless loop": _uplink("while (true) {}"),
    "endless loop outside": "while (true) {}",
    "backtracking expression": _uplink("return {data: {x: /^(a+)+$/.test('a'.repeat(60) + 'b')}}"),
    "backtracking replacement": _uplink(
        "return {data: {x: ('a'.repeat(200) + 'b').replace(/(a|aa|a?)+$/, '')}}"
    ),
    "getter": _uplink("return {get data() { while (true) {} }}"),
    "toJSON": _uplink("return {data: {toJSON: function () { while (true) {} }}}"),
    "proxy": _uplink("return {data: new Proxy({}, {ownKeys: function () { while (true) {} }})}"),
    "stringify": "JSON.stringify = function () { while (true) {} };" + _uplink("return {data: {}}"),
    "sorting": _uplink("var a = [3, 1, 2]; while (true) a.sort(function () { return Math.random() - 0.5 })"),
}
#: … and those that end badly.
DEADLY = {
    "memory bomb": _uplink("var a = []; while (true) a.push(new Array(10000).fill(1))"),
    "string bomb": _uplink("var s = 'x'; while (true) s += s"),
    "buffer bomb": _uplink("return {data: {x: new Uint8Array(1e9).length}}"),
    "deep recursion": _uplink("function f() { return f() + 1 } return {data: {x: f()}}"),
    "deep data": _uplink(
        "var a = {}, b = a; for (var i = 0; i < 1e5; i++) { b.x = {}; b = b.x } return {data: a}"
    ),
    "deep expression": _uplink("return {data: {x: new RegExp('('.repeat(1e5) + ')'.repeat(1e5))}}"),
    "huge output": _uplink("return {data: {x: 'y'.repeat(1e6)}}"),
    "cycle": _uplink("var a = {}; a.a = a; return {data: a}"),
    "no text": _uplink("return {data: {toJSON: function () { return undefined }}}"),
    "throws nothing": _uplink("throw undefined"),
    "throws a getter": _uplink("throw {get message() { throw 1 }, toString: function () { throw 2 }}"),
    "no object": _uplink("return 17"),
    "errors": _uplink("return {errors: ['too short']}"),
    "no function": "",
    "no script": "(",
    "files": "import * as std from 'std'; " + _uplink("return {data: std.open('/etc/passwd', 'r')}"),
    "network": _uplink("return {data: {x: fetch('http://127.0.0.1')}}"),
    "require": _uplink("return {data: {x: require('fs').readdirSync('/')}}"),
}
