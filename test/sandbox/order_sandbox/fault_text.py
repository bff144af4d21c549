"""Faults in the text of an answer: bytes, escapes, numbers, nesting, no JSON
at all."""

from .fault_rows import put, rows_of
from .faults import fault, one_of
from .json_text import Raw


def text_fault(name, about, raw):
    """A fault that puts raw text into a string of the first row."""
    @fault(name, about, {"where": ("message", "message or id of a row, or "
                                   "top (a new field of the envelope)")})
    class TextFault:
        @staticmethod
        def edit(provider, answer, args):
            put(answer, args["where"], Raw('"before%safter"' % raw))
    return TextFault


text_fault("invalid_utf8", "bytes that are not UTF-8 in a string",
           "\udcff\udcfe")
text_fault("nul_byte", "a raw zero byte in a string", "\0")
text_fault("escaped_nul", "\\u0000 in a string", "\\u0000")
text_fault("lone_surrogate", "half a surrogate pair (\\ud83d) in a string",
           "\\ud83d")


@fault("byte_order_mark", "a byte order mark before the JSON")
class ByteOrderMark:
    @staticmethod
    def edit(provider, answer, args):
        answer.body = b"\xef\xbb\xbf" + answer.encoded()


@fault("truncated_json", "a complete HTTP answer whose JSON is cut",
       {"keep": (None, "bytes to keep; default half")})
class TruncatedJson:
    @staticmethod
    def edit(provider, answer, args):
        body = answer.encoded()
        keep = len(body) // 2 if args["keep"] is None else args["keep"]
        answer.body = body[:keep]


@fault("not_json", "plain text instead of JSON",
       {"body": ("upstream said something else", "the text")})
class NotJson:
    @staticmethod
    def edit(provider, answer, args):
        answer.body = args["body"].encode()
        answer.headers["Content-Type"] = "text/plain"


@fault("html", "an HTML page instead of JSON",
       {"status": (200, "HTTP status")})
class Html:
    @staticmethod
    def edit(provider, answer, args):
        answer.body = (b"<html><head><title>Attention Required!</title>"
                       b"</head><body><h1>Just a moment...</h1></body>"
                       b"</html>\n")
        answer.status = args["status"]
        answer.headers["Content-Type"] = "text/html; charset=UTF-8"


@fault("empty", "an answer without a body", {"status": (200, "HTTP status")})
class Empty:
    @staticmethod
    def edit(provider, answer, args):
        answer.body = b""
        answer.status = args["status"]


@fault("deep_nesting", "an extra field nested very deeply",
       {"depth": (10000, "levels"), "form": ("array", "array or object"),
        "where": ("row", "row or top")})
class DeepNesting:
    @staticmethod
    def edit(provider, answer, args):
        depth = args["depth"]
        if args["form"] == "object":
            text = '{"a":' * depth + "1" + "}" * depth
        else:
            text = "[" * depth + "]" * depth
        put(answer, args["where"], Raw(text))


NUMBERS = {"exponent": "1e200000", "negative_exponent": "1e-200000",
           "digits": None, "minus_zero": "-0", "fraction": None,
           "infinity": "Infinity", "nan": "NaN", "hex": "0x10",
           "plain_exponent": "1e5"}


@fault("absurd_number", "an extra field, or a field of the row, that holds "
       "an absurd number",
       {"form": ("exponent", "one of " + ", ".join(NUMBERS)),
        "digits": (10000, "length for the forms digits and fraction"),
        "field": (None, "field of the first row; default an extra one"),
        "where": ("row", "row or top")}, check=one_of(form=NUMBERS))
class AbsurdNumber:
    @staticmethod
    def edit(provider, answer, args):
        text = NUMBERS[args["form"]]
        if args["form"] == "digits":
            text = "9" * args["digits"]
        elif args["form"] == "fraction":
            text = "0." + "3" * args["digits"]
        rows = rows_of(answer)
        if args["field"] is not None and rows:
            rows[0][args["field"]] = Raw(text)
        else:
            put(answer, args["where"], Raw(text))


@fault("oversize_message", "valid JSON with a very long message",
       {"bytes": (7 * 1024 * 1024, "length of the message"),
        "fill": ("x", "what it is made of")})
class OversizeMessage:
    @staticmethod
    def edit(provider, answer, args):
        fill = args["fill"]
        put(answer, "message", (fill * (args["bytes"] // len(fill) + 1))
            [:args["bytes"]])


@fault("swapped_top", "an array at the top where an object belongs, or the "
       "other way round")
class SwappedTop:
    @staticmethod
    def edit(provider, answer, args):
        if isinstance(answer.document, list):
            answer.document = {"data": answer.document}
        else:
            answer.document = [answer.document]
