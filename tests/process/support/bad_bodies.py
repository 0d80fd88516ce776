"""Bodies that no consumer with the sink `sum` may take, each kind under its name.

Bytes go over the wire as they are; anything else is written as JSON first.
"""

NOT_JSON = [
    b"", b" ", b"not json", b"{", b"}", b'{"value":1', b'{"value":1}}', b'{"value":1} x',
    b'{"value":1}{"value":2}', b'{"value":1},', b'{"value":1,}', b"{'value':1}", b"{value:1}",
    b'{"value":1 "id":"a"}', b'{"value"}', b'{"value":}', b'{"value":1/**/}', b'//\n{"value":1}',
    b'{"value":tru}', b'{"value":TRUE}', b'{"value":"unended}', b'{"value":"\t"}',
    b'{"value":"\\x"}', b'{"value":"\\u12"}', b'{"value":1,"id":"a\nb"}',
]
NUL_BYTES = [b"\0", b"\0" * 1000, b'{"value":1}\0', b'\0{"value":1}', b'{"value":\0 1}',
             b'{"val\0ue":1}', b'{"value":1,"id":"a\0b"}', b'{"value":1,"note":"\0"}']
NOT_UTF8 = [
    b'{"value":1,"producer":"\xff"}', b'{"value":1,"id":"\xfe\xff"}',
    b'{"value":1,"note":"\xc3\x28"}', b'{"value":1,"id":"\xc0\x80"}',
    b'{"value":1,"id":"\xe2\x82"}', b'{"value":1,"id":"\xf8\x88\x80\x80\x80"}',
    b'{"value":1,"id":"\xed\xa0\x80"}', b'{"value":1,"id":"\xf4\x90\x80\x80"}',
    b'{"value":1,"\xff":2}', b'{"value":"\xff"}', b'\xff\xfe{\0"\0', '{"value":1}'.encode("utf-16"),
    '{"value":1}'.encode("utf-32"),
]
BYTE_ORDER_MARK = [b'\xef\xbb\xbf{"value":1}', b'\xef\xbb\xbf']
SURROGATES = [
    b'{"value":1,"id":"\\ud800"}', b'{"value":1,"id":"a\\udc00b"}', b'{"value":1,"id":"\\ud83e"}',
    b'{"value":1,"producer":"\\udfff\\ud800"}', b'{"value":1,"id":"\\ud800\\ud800"}',
    b'{"value":1,"producer":"\\uD83Ex"}',
]
NOT_AN_OBJECT = [b"[]", b"1", b'"value"', b"null", b"true", b'[{"value":1}]', b'[["value",1]]']
NO_VALUE = [{}, {"id": "a"}, {"Value": 1}, {"producer": "p", "v": 1}]
NOT_FOR_SUM = [{"value": v} for v in ("1", "", None, True, False, [], [1], {}, {"value": 1})]
NUMBERS = [b'{"value":%s}' % text for text in (
    b"1e999", b"-1e999", b"1e309", b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"inf",
    b"01", b"-01", b"+1", b".5", b"1.", b"1e", b"1e+", b"0x10", b"1_000", b"--1", b"-", b"1,5",
    b"9" * 400, b"-" + b"9" * 400)]
NUMBERS += [b'{"value":1,"note":1e999}', b'{"value":1,"note":[{"x":-1e400}]}']
TWICE = [
    b'{"value":1,"value":1}', b'{"value":1,"value":2}', b'{"value":1,"id":"a","id":"a"}',
    b'{"id":"a","value":1,"id":"b"}', b'{"value":1,"producer":"p","producer":"p"}',
    b'{"value":1,"v":1,"v":1}', b'{"value":1,"deadline_ms":9000,"deadline_ms":9000}',
    b'{"value":1,"v\\u0061lue":2}', b'{"\\u0069d":"a","id":"b","value":1}',
    b'{"value":1,"\\u0076":1,"v":1}',
]
WRONG_TYPES = [
    {"value": 1, "id": 5}, {"value": 1, "id": None}, {"value": 1, "id": ["a"]},
    {"value": 1, "id": {}}, {"value": 1, "id": True}, {"value": 1, "producer": 5},
    {"value": 1, "producer": None}, {"value": 1, "producer": {}}, {"value": 1, "v": "1"},
    {"value": 1, "v": 1.5}, {"value": 1, "v": None}, {"value": 1, "v": True},
    {"value": 1, "v": [1]}, {"value": 1, "deadline_ms": 0}, {"value": 1, "deadline_ms": -5},
    {"value": 1, "deadline_ms": "x"}, {"value": 1, "deadline_ms": 1.5},
    {"value": 1, "deadline_ms": None}, {"value": 1, "deadline_ms": True},
]
WRONG_LENGTHS = [{"value": 1, name: text} for name in ("id", "producer")
                 for text in ("", "x" * 129, "é" * 65, "🧮" * 33, "x" * 100000)]
CONTROL_CHARACTERS = [{"value": 1, name: text} for name in ("id", "producer")
                      for text in ("\0", "a\nb", "\t", "\x1f", "\x7f", "tail\r")]
DEEP = [b'{"value":' + b"[" * depth + b"]" * depth + b"}" for depth in (64, 65, 10_000, 100_000)]
DEEP += [b'{"value":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}" for depth in (64, 65, 10_000)]
DEEP += [b"[" * 10_000, b'{"value":' + b"[" * 10_000, b'{"a":' * 10_000, b"]" * 10_000]

KINDS = {
    "not JSON": NOT_JSON, "NUL bytes": NUL_BYTES, "not UTF-8": NOT_UTF8,
    "byte-order mark": BYTE_ORDER_MARK, "unpaired surrogates": SURROGATES,
    "not an object": NOT_AN_OBJECT, "no value": NO_VALUE, "not for sum": NOT_FOR_SUM,
    "numbers": NUMBERS, "members twice": TWICE, "wrong types": WRONG_TYPES,
    "wrong lengths": WRONG_LENGTHS, "control characters": CONTROL_CHARACTERS, "depth": DEEP,
}
