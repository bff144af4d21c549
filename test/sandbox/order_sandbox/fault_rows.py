"""Faults in the rows of an answer: which there are and what they say.

They edit a finished answer; the provider is known only through the Shape of
the answer, so that each fault is written once.
"""

import copy

from .faults import fault, one_of
from .json_text import Pairs, Raw
from .state import BadInput

ROWS = ("xt", "tronsave", "btse")       # where every order has its row


def rows_of(answer):
    """The rows to be edited; an empty list when there are none."""
    if answer.shape is None or answer.document is None:
        return []
    rows = answer.shape.find_rows(answer.document)
    return [] if rows is None else rows


def verdicts_of(answer):
    """The rows, where they are verdicts on orders."""
    return rows_of(answer) if answer.shape.refused else []


def chosen(rows, args, shape):
    """Rows meant by the arguments which (first, last, all) or id."""
    if args.get("id") is not None:
        return [row for row in rows if str(row[shape.id]) == str(args["id"])]
    which = args.get("which", "first")
    return {"first": rows[:1], "last": rows[-1:], "all": list(rows)}[which]


WHICH = {"which": ("first", "first, last or all rows"),
         "id": (None, "the row of this order instead")}


def wire_id(shape, id):
    return Raw(str(id)) if shape.ids_are_numbers and str(id).isdigit() \
        else str(id)


def names_in(row):
    """The fields of a row, which are places where it is an array."""
    return list(row) if isinstance(row, dict) else list(range(len(row)))


def add_to(row, value):
    """One more field."""
    if isinstance(row, dict):
        row["extra"] = value
    else:
        row.append(value)


def contrary(shape, row):
    """The row saying something else; what is read has no contrary."""
    other = copy.copy(row)
    if shape.refused is None:
        return other
    if row[shape.verdict] == shape.cancelled or shape.cancelled is None:
        other.update(shape.refused)
    else:
        other[shape.verdict] = shape.cancelled
    if other == row:
        other[shape.message] = "采购退货单号不存在"
    return other


def put(answer, where, value):
    """Set a field of the first row, or a new one where there is none."""
    rows, shape = rows_of(answer), answer.shape
    if where in ("message", "id") and rows:
        rows[0][getattr(shape, where)] = value
    elif where == "row" and rows:
        add_to(rows[0], value)
    elif isinstance(answer.document, dict):
        answer.document["extra"] = value
    else:
        answer.document = [{"extra": value}] + list(answer.document or [])


def fix_count(answer):
    """What Wangdian counts follows its rows unless that is the fault."""
    data = answer.document.get("data") \
        if isinstance(answer.document, dict) else None
    if isinstance(data, dict) and "error_num" in data:
        data["error_num"] = len(data["error_info"])
    if isinstance(data, dict) and "total_count" in data:
        data["total_count"] = len(data["order"])


# ---- which rows there are

@fault("missing_rows", "rows of orders that were asked for are left out",
       dict(WHICH, which=("last", "first, last or all rows")), ROWS)
class MissingRows:
    @staticmethod
    def edit(provider, answer, args):
        rows = rows_of(answer)
        for row in chosen(rows, args, answer.shape):
            rows.remove(row)


@fault("extra_rows", "rows of orders that were not asked for are added",
       {"ids": (["999999999999999999"], "the strangers"),
        "place": ("end", "end or start")})
class ExtraRows:
    @staticmethod
    def edit(provider, answer, args):
        rows = rows_of(answer)
        shape = answer.shape
        for id in args["ids"]:
            row = copy.copy(rows[0]) if rows else {}
            row[shape.id] = wire_id(shape, id)
            if shape.cancelled is not None:
                row[shape.verdict] = shape.cancelled
            elif shape.refused is not None:
                row.update(shape.refused)
            rows.insert(0 if args["place"] == "start" else len(rows), row)
        fix_count(answer)


@fault("repeated_rows", "each row comes twice, with the same verdict")
class RepeatedRows:
    @staticmethod
    def edit(provider, answer, args):
        rows = rows_of(answer)
        rows[:] = [copy.copy(row) for row in rows for _ in (1, 2)]
        fix_count(answer)


@fault("reordered_rows", "rows come in the opposite order")
class ReorderedRows:
    @staticmethod
    def edit(provider, answer, args):
        rows_of(answer).reverse()


@fault("contradictory_rows", "the same order twice: cancelled and not (at "
       "Wangdian: named twice with different reasons)",
       dict(WHICH, order=("as_is_first", "as_is_first or contrary_first")))
class ContradictoryRows:
    @staticmethod
    def edit(provider, answer, args):
        rows, shape = rows_of(answer), answer.shape
        for row in chosen(rows, args, shape):
            rows.insert(rows.index(row) + (args["order"] == "as_is_first"),
                        contrary(shape, row))
        fix_count(answer)


@fault("empty_array", "a well-formed answer with no row at all")
class EmptyArray:
    @staticmethod
    def edit(provider, answer, args):
        rows_of(answer).clear()
        fix_count(answer)


# ---- what is in a row

@fault("duplicate_keys", "the verdict's key stands twice in one object",
       dict(WHICH, values=("different", "different or same"),
            where=("row", "row or top (the envelope's first key)")))
class DuplicateKeys:
    @staticmethod
    def edit(provider, answer, args):
        shape, rows = answer.shape, rows_of(answer)
        if args["where"] == "top" and isinstance(answer.document, dict):
            key, value = next(iter(answer.document.items()))
            other = value if args["values"] == "same" else 555
            answer.document = Pairs(list(answer.document.items())
                                    + [(key, other)])
            return
        for row in chosen(rows, args, shape):
            other = row[shape.verdict]
            if args["values"] != "same":
                other = contrary(shape, row)[shape.verdict]
                if other == row[shape.verdict]:
                    other = "another reason"
            repeat_key(answer, rows, row, (shape.verdict, other))


def repeat_key(answer, rows, row, pair):
    """Add a field to a row although it is there already."""
    if not isinstance(row, dict):
        return                      # an array has no keys
    pairs = Pairs(list(row.items()) + [pair])
    if answer.document is row:
        answer.document = pairs
    else:
        rows[rows.index(row)] = pairs


@fault("ids_as_strings", "ids that are documented as numbers come as "
       "strings", {}, ("xt",))
class IdsAsStrings:
    @staticmethod
    def edit(provider, answer, args):
        for row in rows_of(answer):
            row[answer.shape.id] = str(row[answer.shape.id])


@fault("ids_as_numbers", "ids that are documented as strings come as "
       "numbers (those that are digits)", {},
       ("tronsave", "btse", "wangdian"))
class IdsAsNumbers:
    @staticmethod
    def edit(provider, answer, args):
        for row in rows_of(answer):
            if str(row[answer.shape.id]).isdigit():
                row[answer.shape.id] = Raw(str(row[answer.shape.id]))


SPELLINGS = {
    "leading_zero": lambda id: "0" + id,
    "leading_zero_number": lambda id: Raw("0" + id),
    "exponent": lambda id: Raw(id + "e0"),
    "fraction": lambda id: Raw(id + ".0"),
    "minus": lambda id: Raw("-" + id),
    "plus": lambda id: "+" + id,
    "blank_before": lambda id: " " + id,
    "blank_after": lambda id: id + " ",
    "upper": lambda id: id.upper(),
    "cut": lambda id: id[:-1],
}


@fault("wrong_id_spelling", "the id is there but spelled in another way",
       dict(WHICH, form=("leading_zero", "one of " + ", ".join(SPELLINGS))),
       check=one_of(form=SPELLINGS))
class WrongIdSpelling:
    @staticmethod
    def edit(provider, answer, args):
        for row in chosen(rows_of(answer), args, answer.shape):
            row[answer.shape.id] = SPELLINGS[args["form"]](
                str(row[answer.shape.id]))


@fault("undefined_code", "a verdict that the documents do not define",
       dict(WHICH, code=(None, "default 999, at TronSave \"maybe\"")))
class UndefinedCode:
    @staticmethod
    def edit(provider, answer, args):
        code = args["code"]
        if code is None:
            code = {"tronsave": "maybe", "wangdian": "未知原因"}.get(
                provider.name, 999)
        for row in chosen(rows_of(answer), args, answer.shape):
            row[answer.shape.verdict] = code


@fault("verdict", "this verdict instead of the true one, with process false "
       "(the default) without touching the order",
       {"code": (None, "XT code, BTSE status, or the reason at TronSave and "
                       "Wangdian"), "ids": (None, "only these; default all")},
       process=False)
class Verdict:
    @staticmethod
    def override(provider, id, index, args):
        if args["process"]:
            return None
        if args["ids"] is None or id in [str(each) for each in args["ids"]]:
            return args["code"]
        return None

    @staticmethod
    def edit(provider, answer, args):
        if not args["process"]:
            return
        for row in rows_of(answer):
            if args["ids"] is None or str(row[answer.shape.id]) in [
                    str(each) for each in args["ids"]]:
                row[answer.shape.verdict] = args["code"]
                if provider.name == "tronsave":
                    row.update(is_success=False, fail_reason=args["code"])


@fault("null_fields", "null where the documents promise a value",
       dict(WHICH, fields=(None, "names of fields; default all of the row")))
class NullFields:
    @staticmethod
    def edit(provider, answer, args):
        for row in chosen(rows_of(answer), args, answer.shape):
            for name in args["fields"] or names_in(row):
                row[name] = None


def an_object(args):
    if not isinstance(args["values"], dict):
        raise BadInput("values is an object")


@fault("set_fields", "fields of a row say something else, or are added",
       dict(WHICH, values=({}, "what they say, by their names")),
       check=an_object)
class SetFields:
    @staticmethod
    def edit(provider, answer, args):
        for row in chosen(rows_of(answer), args, answer.shape):
            if isinstance(row, dict):   # an array has no names
                row.update(args["values"])


@fault("long_text", "a field of the row is a very long text",
       dict(WHICH, field=(None, "its name; default the id"),
            chars=(5000, "how long")))
class LongText:
    @staticmethod
    def edit(provider, answer, args):
        for row in chosen(rows_of(answer), args, answer.shape):
            name = answer.shape.id if args["field"] is None else args["field"]
            if name in names_in(row):
                row[name] = ("0123456789" * (args["chars"] // 10 + 1)
                             )[:args["chars"]]


WRONG = {"object": {}, "array": [], "string": "x", "number": 7, "bool": True,
         "null": None}


@fault("wrong_types", "fields of a wrong JSON type",
       dict(WHICH, fields=(None, "names of fields; default all"),
            type=("object", "one of " + ", ".join(WRONG)),
            where=("row", "row or top")),
       check=one_of(type=WRONG, where=("row", "top")))
class WrongTypes:
    @staticmethod
    def edit(provider, answer, args):
        targets = (chosen(rows_of(answer), args, answer.shape)
                   if args["where"] == "row" else [answer.document])
        for target in targets:
            # an array at the top has no fields
            if isinstance(target, dict) or args["where"] == "row":
                for name in args["fields"] or names_in(target):
                    target[name] = copy.copy(WRONG[args["type"]])


# ---- BTSE and Wangdian only

@fault("btse_legs", "the answer has more elements: other legs of the order",
       {"legs": (1, "how many more"), "ids": (None, "their ids"),
        "status": (6, "their status")}, ("btse",))
class BtseLegs:
    @staticmethod
    def edit(provider, answer, args):
        rows = rows_of(answer)
        ids = args["ids"] or ["ad4d0eeb-81a1-48f4-86c3-%012d" % (leg + 1)
                              for leg in range(args["legs"])]
        for id in ids if answer.shape.refused else ():
            rows.append(dict(rows[0] if rows else {}, orderID=str(id),
                             status=args["status"]))


@fault("btse_foreign_only", "no element carries the id that was sent",
       {"id": ("ad4d0eeb-81a1-48f4-86c3-90436bb53718", "the stranger")},
       ("btse",))
class BtseForeignOnly:
    @staticmethod
    def edit(provider, answer, args):
        for row in verdicts_of(answer):
            row.update(orderID=args["id"], clOrderID="")


@fault("btse_other_order", "the answer to an act tells of an order that was "
       "not asked for, under the id that was",
       dict(WHICH, symbol=(None, "its market"), side=(None, "its side"),
            type=(None, "its orderType")), ("btse",))
class BtseOtherOrder:
    @staticmethod
    def edit(provider, answer, args):
        told = {"symbol": args["symbol"], "side": args["side"],
                "orderType": args["type"]}
        for row in chosen(verdicts_of(answer), args, answer.shape):
            row.update((name, value) for name, value in told.items()
                       if value is not None)


def silence_forms():
    """What can be wrong about an answer whose silence means cancelled."""
    def change(**changes):
        return lambda data, document: data.update(changes)

    def number(by):
        return lambda data, document: data.update(
            error_num=data["error_num"] + by)

    def drop(name):
        return lambda data, document: data.pop(name)

    def stranger(data, document):
        data["error_info"].append({"order_no": "CR000000000000",
                                   "message": "采购退货单号不存在"})
        data["error_num"] += 1

    def row(**changes):
        def edit(data, document):
            if data["error_info"]:
                data["error_info"][0].update(changes)
            else:
                data["error_info"].append(dict(
                    {"order_no": "CR0", "message": "x"}, **changes))
                data["error_num"] += 1
        return edit

    def top(**changes):
        return lambda data, document: document.update(changes)

    return {
        "error_num_high": number(1), "error_num_low": number(-1),
        "error_num_missing": drop("error_num"),
        "error_num_string": lambda data, document: data.update(
            error_num=str(data["error_num"])),
        "error_num_null": change(error_num=None),
        "error_info_missing": drop("error_info"),
        "error_info_null": change(error_info=None),
        "error_info_object": change(error_info={}),
        "error_info_string": change(error_info=""),
        "error_info_of_strings": change(error_info=["x"], error_num=1),
        "foreign_number": stranger,
        "row_without_number": row(order_no=None),
        "row_without_message": row(message=None),
        "data_status_1": change(status=1),
        "data_status_missing": drop("status"),
        "data_status_string": change(status="0"),
        "status_1": top(status=1), "status_string": top(status="0"),
        "status_missing": lambda data, document: document.pop("status"),
        "data_missing": lambda data, document: document.pop("data"),
        "data_null": top(data=None), "data_array": top(data=[]),
    }


SILENCE = silence_forms()


def total_forms():
    """What can be wrong about how many returns there are."""
    def total(change):
        return lambda data: data.update(
            total_count=change(data["total_count"]))

    return {"high": total(lambda count: count + 1),
            "low": total(lambda count: count - 1),
            "null": total(lambda count: None),
            "words": total(lambda count: "many"),
            "missing": lambda data: data.pop("total_count"),
            "page_cut": lambda data: data["order"].pop(),
            "no_list": lambda data: data.update(order=None)}


TOTALS = total_forms()


@fault("wangdian_total", "a page of returns is not what total_count says",
       {"form": ("high", "one of " + ", ".join(TOTALS))},
       ("wangdian",), check=one_of(form=TOTALS))
class WangdianTotal:
    @staticmethod
    def edit(provider, answer, args):
        data = answer.document.get("data") \
            if isinstance(answer.document, dict) else None
        if isinstance(data, dict) and data.get("order"):
            TOTALS[args["form"]](data)


@fault("wangdian_silence", "the answer is not whole, so that silence about a "
       "number means nothing",
       {"form": ("error_num_high", "one of " + ", ".join(SILENCE))},
       ("wangdian",), check=one_of(form=SILENCE))
class WangdianSilence:
    @staticmethod
    def edit(provider, answer, args):
        if isinstance(answer.document, dict) and isinstance(
                answer.document.get("data"), dict):
            SILENCE[args["form"]](answer.document["data"], answer.document)
