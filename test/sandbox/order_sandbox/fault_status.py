"""Faults in the HTTP status and in the provider's envelope, and the
provider's own ways to refuse."""

import email.utils
import time

from .faults import fault, one_of
from .json_text import encode


def give_status(name, status, about):
    @fault(name, about + " (by default the orders WERE processed)",
           {"body": (None, "text of the body; default a short HTML page"),
            "headers": ({}, "headers to add")})
    class Status:
        @staticmethod
        def edit(provider, answer, args):
            replace(answer, status, args["body"], args["headers"])
    return Status


def replace(answer, status, body, headers):
    answer.status = status
    answer.document = None
    if body is None:
        answer.body = b"<html><body><h1>%d</h1></body></html>\n" % status
        answer.headers["Content-Type"] = "text/html"
    else:
        answer.body = (body.encode() if isinstance(body, str)
                       else encode(body))
    answer.headers.update(headers or {})


give_status("http_408", 408, "HTTP 408, the service gave up")
give_status("http_500", 500, "HTTP 500")
give_status("http_502", 502, "HTTP 502 from a gateway")
give_status("http_503", 503, "HTTP 503")


@fault("status", "this HTTP status and body; by default nothing is processed",
       {"status": (400, "HTTP status"), "body": (None, "text, or any JSON"),
        "headers": ({}, "headers to add")}, process=False)
class AnyStatus:
    @staticmethod
    def edit(provider, answer, args):
        replace(answer, args["status"], args["body"], args["headers"])


@fault("contradicting_status", "another HTTP status over the true answer: an "
       "error over a body that says cancelled, or a 2xx that is not 200",
       {"status": (400, "HTTP status")})
class ContradictingStatus:
    @staticmethod
    def edit(provider, answer, args):
        answer.status = args["status"]


@fault("redirect", "a redirect; by default nothing is processed",
       {"status": (302, "301, 302, 303, 307 or 308"),
        "location": ("https://elsewhere.example.com/login?token=query-secret",
                     "where to")}, process=False)
class Redirect:
    @staticmethod
    def edit(provider, answer, args):
        replace(answer, args["status"], "", {"Location": args["location"]})


def set_envelope(provider, answer, args):
    document = answer.document
    if provider.name == "xt" and args["with_rows"]:
        document.update(code=args["code"], info=args["message"])
    elif provider.name == "wangdian" and args["with_rows"]:
        document.update(status=args["code"], message=args["message"])
    elif provider.name == "tronsave" and args["with_rows"]:
        document.update(error=True, message=args["message"])
    else:
        code = args["code"]
        answer.document = provider.error(
            args["status"], str(code) if provider.name == "tronsave"
            and args["validation"] else code, args["message"]).document
    answer.status = args["status"]


ENVELOPE = {"status": (200, "HTTP status"),
            "message": ("the service says no", "its words"),
            "with_rows": (False, "keep the rows (XT, TronSave, Wangdian)"),
            "validation": (False, "TronSave: the form with a code")}


@fault("envelope", "an error in the provider's envelope; by default nothing "
       "is processed", dict(ENVELOPE, code=(404, "its code")), process=False)
class Envelope:
    edit = staticmethod(set_envelope)


@fault("undefined_envelope", "an envelope whose code the documents do not "
       "define", dict(ENVELOPE, code=(999, "its code")), process=False)
class UndefinedEnvelope:
    edit = staticmethod(set_envelope)


@fault("too_frequent", "the provider's own way to say too frequent, nothing "
       "processed: XT 124 per id, TronSave and Wangdian HTTP 429, BTSE HTTP "
       "429 or status 303",
       {"ids": (None, "XT: only these ids; default all"),
        "some": (False, "XT: every second id"),
        "form": ("429", "BTSE: 429, 303 (a row, HTTP 200) or 303_429 (a row, "
                        "HTTP 429)")}, process=True)
class TooFrequent:
    @staticmethod
    def override(provider, id, index, args):
        if provider.name == "btse":
            return 303
        if provider.name != "xt":
            return None
        if args["ids"] is not None:
            return 124 if id in [str(each) for each in args["ids"]] else None
        return None if args["some"] and index % 2 == 0 else 124

    @staticmethod
    def in_rows(provider, request, args):
        """At BTSE only what answers with verdicts can say so in a row."""
        shape = request.endpoint.shape
        return (provider.name == "btse" and args["form"] != "429"
                and shape is not None and shape.refused is not None)

    @staticmethod
    def instead(provider, request, args):
        if provider.name == "xt" or TooFrequent.in_rows(provider, request,
                                                        args):
            return None
        return provider.too_frequent()

    @staticmethod
    def edit(provider, answer, args):
        if provider.name == "btse" and args["form"] == "303_429":
            answer.status = 429


def moment(form, at):
    """A moment, in whole seconds that are never too early, as Retry-After may
    have it."""
    whole = int(at + 0.999)
    utc = time.gmtime(whole)
    return {
        "date": lambda: email.utils.formatdate(whole, usegmt=True),
        "rfc850": lambda: time.strftime("%A, %d-%b-%y %H:%M:%S GMT", utc),
        "asctime": lambda: "%s %2d %s" % (
            time.strftime("%a %b", utc), utc.tm_mday,
            time.strftime("%H:%M:%S %Y", utc)),
        "unix": lambda: str(whole),
        "unix_ms": lambda: str(int(at * 1000 + 0.999)),
    }[form]()


FORMS = ("seconds", "fraction", "list", "headers", "date", "rfc850", "asctime",
         "unix", "unix_ms")


@fault("retry_after", "HTTP 429, or another status, with a Retry-After "
       "header, nothing processed",
       {"seconds": (2, "from now"),
        "form": ("seconds", "how it is written: " + ", ".join(FORMS)),
        "value": (None, "the header's text as it is, instead; a list: several "
                        "such headers"),
        "dated": (True, "false: the answer has no Date"),
        "status": (429, "HTTP status")}, process=False,
       check=one_of(form=FORMS))
class RetryAfter:
    @staticmethod
    def instead(provider, request, args):
        answer = provider.too_frequent()
        answer.status = args["status"]
        seconds, form = args["seconds"], args["form"]
        written = {"seconds": str(seconds), "fraction": "%.1f" % seconds,
                   "list": "0, %s, 0.5" % seconds,
                   "headers": ["0", str(seconds)]}
        answer.headers["Retry-After"] = args["value"] or (
            written.get(form)
            or moment(form, provider.world.now() + seconds))
        if not args["dated"]:
            answer.headers["Date"] = []
        return answer


@fault("nonce_order", "nonces have to increase in the order in which requests "
       "arrive, and some arrive late: one that is not above the last is "
       "refused, XT code 308, BTSE HTTP 401 (arm it with times 0)",
       {"ms": (60, "how late"), "every": (2, "of how many requests one is "
                                             "late, the first; 0 = none")},
       providers=("xt", "btse"))
class NonceOrder:
    @staticmethod
    async def arrive(connection, nth, args):
        late = args["every"] and (nth - 1) % args["every"] == 0
        return await connection.pause(args["ms"] / 1000 if late else 0)

    @staticmethod
    def instead(provider, request, args):
        if not request.fresh:
            provider.refuse_nonce(request)
        return None
