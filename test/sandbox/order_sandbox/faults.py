"""Arming faults, and choosing those that meet a request.

Every fault is one entry of KNOWN, made by the decorators below in
fault_rows.py, fault_reads.py, fault_text.py and fault_status.py (what an
answer says) and in fault_wire.py (how it travels).  At most one armed fault of each stage meets a request:

    rows    changes what is answered, or refuses in the provider's own words
    wire    changes how the answer travels, or lets it travel not at all

Those of fault_stream.py have the stage "stream" and meet messages, not
requests.

All faults take the arguments of COMMON besides their own.
"""

from .state import BadInput

COMMON = {
    "provider": (None, "only requests to this provider"),
    "process": (None, "true: orders change state before the misbehaviour; "
                      "false: nothing is done (the default depends on the "
                      "fault)"),
    "times": (1, "how many requests it meets; 0 = until disarmed"),
    "skip": (0, "let this many matching requests through first"),
    "kept": (False, "only requests that are not the first on their "
                    "connection"),
    "match_id": (None, "only requests that name this order"),
    "operation": (None, "only this operation, such as batch_cancel"),
}

KNOWN = {}          # name -> Kind


class Kind:
    """What there is to know about one fault."""

    def __init__(self, name, stage, about, args, providers, process, hooks,
                 needs_answer=True, kept=False, check=None, times=1,
                 moment=None):
        self.name = name
        self.stage = stage
        self.about = about
        self.args = args                # name -> (default, description)
        self.providers = providers      # None: all of them
        self.process = process          # default
        self.hooks = hooks              # see fault() and wire_fault()
        self.needs_answer = needs_answer
        self.kept = kept                # default of the argument kept
        self.times = times              # default of the argument times
        self.moment = moment            # of a stream, see stream_fault()
        self.check = check              # raises BadInput on bad arguments

    def as_json(self):
        return {"name": self.name, "stage": self.stage, "about": self.about,
                "providers": list(self.providers) if self.providers
                else "all", "process": self.process,
                "args": {name: {"default": default, "about": about}
                         for name, (default, about) in self.args.items()}}


class Armed:
    """One fault that waits for its requests, or has met them."""

    def __init__(self, number, kind, common, args):
        self.number = number
        self.kind = kind
        self.provider = common["provider"]
        self.process = common["process"]
        self.times = common["times"]
        self.skip = common["skip"]
        self.kept = common["kept"]
        self.match_id = common["match_id"]
        self.operation = common["operation"]
        self.args = args
        self.matched = 0                # requests that fitted
        self.fired = 0                  # requests that it met
        self.requests = []              # their numbers
        self.disarmed = False

    def spent(self):
        return self.disarmed or (self.times and self.fired >= self.times)

    def fits(self, request):
        if self.spent() or self.kind.stage == "stream":
            return False
        if self.provider not in (None, request.provider):
            return False
        if self.kind.providers and request.provider not in \
                self.kind.providers:
            return False
        if self.kept and request.nth < 2:
            return False
        if self.operation is not None and (
                request.endpoint is None
                or request.endpoint.name != self.operation):
            return False
        return self.match_id is None or self.match_id in request.ids

    def suits(self, moment, peer, topic):
        """Does it meet a message of a stream?"""
        args = self.args
        return (self.kind.stage == "stream" and not self.spent()
                and args.get("on", self.kind.moment) == moment
                and topic.startswith(args["topic"])
                and args["url"] in ("", peer.url)
                and args["connection"] in (0, peer.connection.number))

    def as_json(self):
        return {"id": str(self.number), "fault": self.kind.name,
                "provider": self.provider, "process": self.process,
                "times": self.times, "skip": self.skip, "kept": self.kept,
                "match_id": self.match_id, "operation": self.operation,
                "args": self.args, "matched": self.matched,
                "fired": self.fired, "requests": self.requests[-1000:],
                "armed": not self.spent()}


class Faults:
    """Those that are armed."""

    def __init__(self):
        self.armed = []
        self.streaming = False          # are there any for streams?
        self.met = lambda armed, peer: None
        self._last = 0

    def arm(self, wanted, providers):
        """wanted: {"fault": name, argument: value...}"""
        wanted = dict(wanted)
        name = wanted.pop("fault", None)
        kind = KNOWN.get(name)
        if kind is None:
            raise BadInput("no fault %r; GET /faults/known lists them"
                           % (name,))
        wanted.setdefault("times", kind.times)
        common = {each: wanted.pop(each, default)
                  for each, (default, _) in COMMON.items()
                  if each not in kind.args}
        for each in COMMON:
            common.setdefault(each, COMMON[each][0])
        if common["process"] is None:
            common["process"] = kind.process
        common["kept"] = bool(common["kept"] or kind.kept)
        self._check_common(kind, common, providers)
        args = {each: default for each, (default, _) in kind.args.items()}
        for each, value in wanted.items():
            if each not in kind.args:
                raise BadInput("fault %s has no argument %r; it has: %s"
                               % (name, each, ", ".join(
                                   sorted(kind.args) + sorted(COMMON))))
            args[each] = fitting(each, value, kind.args[each][0])
        if "which" in args:
            one_of(which=("first", "last", "all"))(args)
        if kind.check:
            kind.check(args)
        self._last += 1
        armed = Armed(self._last, kind, common, args)
        self.armed.append(armed)
        self.streaming = self.streaming or kind.stage == "stream"
        return armed

    def _check_operation(self, operation, providers):
        known = [endpoint.name for provider in providers.values()
                 for endpoint in provider.endpoints]
        if operation is not None and operation not in known:
            raise BadInput("no operation %r; there are: %s"
                           % (operation, ", ".join(known)))

    def _check_common(self, kind, common, providers):
        provider = common["provider"]
        if provider is not None and provider not in providers:
            raise BadInput("no provider %r" % (provider,))
        if kind.providers and provider not in (None,) + kind.providers:
            raise BadInput("fault %s is for %s"
                           % (kind.name, ", ".join(kind.providers)))
        self._check_operation(common["operation"], providers if provider
                              is None else {provider: providers[provider]})
        for name in ("times", "skip"):
            if not isinstance(common[name], int) or common[name] < 0:
                raise BadInput("%s is a number from 0" % name)
        if common["match_id"] is not None:
            common["match_id"] = str(common["match_id"])

    def choose(self, request):
        """The faults that meet this request: {stage: Armed}."""
        chosen = {}
        for armed in self.armed:
            if armed.kind.stage in chosen or not armed.fits(request):
                continue
            armed.matched += 1
            if armed.matched <= armed.skip:
                continue
            armed.fired += 1
            armed.requests.append(request.number)
            request.faults.append(armed.kind.name)
            chosen[armed.kind.stage] = armed
        return chosen

    def meet(self, moment, peer, topic):
        """The fault that meets a message of a stream, or None."""
        for armed in self.armed:
            if not armed.suits(moment, peer, topic or ""):
                continue
            armed.matched += 1
            if armed.matched <= armed.skip:
                continue
            armed.fired += 1
            armed.requests.append(peer.request.number)
            self.met(armed, peer)
            return armed
        return None

    def disarm(self, number=None, name=None):
        """One, all of a name, or all; they stay in the list.  Answers how
        many."""
        count = 0
        for armed in self.armed:
            if (number in (None, str(armed.number))
                    and name in (None, armed.kind.name)
                    and not armed.disarmed):
                armed.disarmed = True
                count += 1
        return count

    def clear(self):
        self.armed.clear()
        self.streaming = False


def fitting(name, value, default):
    """The value of an argument, if it is of its default's kind."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise BadInput("%s is true or false" % name)
    elif name == "keep" and value is None:
        pass
    elif (isinstance(default, (int, float)) or name == "keep") \
            and name != "code":
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise BadInput("%s is a number" % name) from None
        return int(number) if number == int(number) else number
    elif isinstance(default, str) and not isinstance(value, str):
        raise BadInput("%s is a text" % name)
    elif name in ("ids", "fields") and not isinstance(
            value, (list, type(None))):
        raise BadInput("%s is a list" % name)
    return value


def one_of(**choices):
    """A check that these arguments have one of these values."""
    def check(args):
        for name, values in choices.items():
            if args[name] not in values:
                raise BadInput("%s is one of: %s" % (name, ", ".join(values)))
    return check


def fault(name, about, args=None, providers=None, process=True, check=None):
    """Decorate a class whose methods change what an answer says:

        arrive(connection, nth, args)       a coroutine that runs before the
                                            request is looked at, the nth that
                                            the fault meets; False when the
                                            client has left
        instead(provider, request, args)    the Answer to give without
                                            processing, or None
        override(provider, id, index, args) this id's verdict without
                                            processing it, or None
        edit(provider, answer, args)        change the finished answer

    args["process"] is the argument process.  Where there is an override, it
    speaks of the ids that get one; all others are always processed.
    """
    def register(hooks):
        KNOWN[name] = Kind(name, "rows", about, args or {}, providers,
                           process, hooks, check=check)
        return hooks
    return register


def wire_fault(name, about, args=None, providers=None, process=True,
               needs_answer=True, kept=False):
    """Decorate a coroutine  deliver(connection, answer, args)  that answers
    in its own way and returns whether the connection stays open."""
    def register(deliver):
        KNOWN[name] = Kind(name, "wire", about, args or {}, providers,
                           process, deliver, needs_answer, kept)
        return deliver
    return register


STREAM_ARGS = {
    "topic": ("", "only topics that begin so, as update: or "
                  "tradeHistoryApi:BTC-USD; for an answer its op, as "
                  "subscribe"),
    "url": ("", "only this URL: book or other"),
    "connection": (0, "only this connection, by its number in /streams"),
}


def stream_fault(name, about, args=None, moment="data", times=1, check=None):
    """Decorate a function  hook(peer, message, args)  that sends something
    else than the message that was to be sent at this moment:

        open    nothing yet (message None): the upgrade is done
        ack     the acknowledgement of subscribe or unsubscribe (the topic)
        first   a subscription, before it is acknowledged (message None)
        login   the acknowledgement of a login
        refuse  a login, before it is checked (message None)
        pong    the answer to ping
        upgrade the answer to the upgrade, which is the message; the hook is a
                coroutine that answers whether the connection is upgraded
        error   an error
        data    everything else, whose topic is the topic

    Where the arguments have "on", that is the moment.
    """
    def register(hook):
        KNOWN[name] = Kind(name, "stream", about, dict(STREAM_ARGS,
                                                       **(args or {})),
                           ("btse",), True, hook, check=check, times=times,
                           moment=moment)
        return hook
    return register
