"""The part of the control API that is about BTSE's streams: who follows what,
what is true, and what moves the market."""

import base64

from aiohttp import web

from .json_text import encode, plain
from .state import BadInput
from .websocket import TEXT, frame


class StreamControl:
    """Part of Control; it has sandbox, world and journal."""

    @property
    def btse(self):
        return self.sandbox.providers["btse"]

    @property
    def streams(self):
        return self.btse.streams

    def stream_routes(self):
        return [
            web.get("/streams", self.get_streams),
            web.get("/streams/book", self.get_stream_book),
            web.get("/streams/l1", self.get_stream_l1),
            web.get("/streams/fills", self.get_stream_fills),
            web.get("/streams/trades", self.get_stream_trades),
            web.get("/streams/notifications", self.get_stream_notifications),
            web.get("/streams/trader", self.get_trader),
            web.post("/streams/trader", self.post_trader),
            web.delete("/streams/trader", self.delete_trader),
            web.post("/streams/burst", self.post_burst),
            web.post("/streams/send", self.post_send),
            web.post("/streams/close", self.post_stream_close),
        ]

    # ---- who follows what

    async def get_streams(self, request):
        streams = self.streams
        if "short" in request.query:
            return web.json_response({"open": len(streams.peers),
                                      "sent": streams.counts["sent"]})
        topics = {}
        for peer in streams.peers:
            for topic in peer.topics:
                topics[topic] = topics.get(topic, 0) + 1
        listed = list(streams.gone) + list(streams.peers)
        return web.json_response({
            "open": len(streams.peers), "topics": topics,
            "counts": dict(streams.counts),
            "books": [{"symbol": symbol, "grouping": grouping,
                       "seq": depth.seq, "followed": len(depth.peers)}
                      for (symbol, grouping), depth
                      in streams.depths.items()],
            "connections": [peer.as_json() for peer in listed]})

    def stream_tests(self, asked):
        """Conditions of /wait: streams=N connections are open; topic=T is
        followed by count=N of them, and was told sent=N messages."""
        streams, tests = self.streams, []
        if "streams" in asked:
            wanted = whole_in(asked, "streams", 1)
            tests.append(lambda: len(streams.peers) >= wanted)
        if "topic" in asked:
            topic, sent = asked["topic"], whole_in(asked, "sent", 0)
            count = whole_in(asked, "count", 1)
            tests.append(lambda: sum(
                1 for peer in streams.peers
                if peer.topics.get(topic, -1) >= sent) >= count)
        return tests

    # ---- what is true

    async def get_stream_book(self, request):
        """A book as it was told: as of ?seq=, the ?last= N states, or now."""
        asked = request.query
        symbol = asked.get("symbol", "")
        grouping = whole_in(asked, "grouping", 0)
        depth = self.streams.depths.get((symbol, grouping))
        if depth is None:
            raise BadInput("nobody has followed the book %s_%d"
                           % (symbol, grouping))
        if "seq" in asked:
            wanted = whole_in(asked, "seq", 0)
            for seq, at, book in depth.known():
                if seq == wanted:
                    return exact(depth.as_json(seq, at, book))
            raise BadInput("the book %s_%d as of %d is not known; it is %d "
                           "now" % (symbol, grouping, wanted, depth.seq))
        last = max(1, whole_in(asked, "last", 1))
        skip = len(depth.deltas) + 1 - last
        states = [depth.as_json(*state) for number, state
                  in enumerate(depth.known()) if number >= skip]
        return exact(states if "last" in asked else states[-1])

    async def get_stream_l1(self, request):
        symbol = request.query.get("symbol", "")
        l1 = self.streams.l1.get(symbol)
        if l1 is None:
            raise BadInput("nobody has followed the best prices of " + symbol)

        def told(at, quotes):
            return {"symbol": symbol, "event_time": at,
                    "bid": quotes[0], "ask": quotes[1]}
        return exact({"now": told(None, l1.quotes),
                      "history": [told(*each) for each in l1.history]})

    def account_in(self, request):
        account = self.world.account("btse", request.query.get("account"))
        if account is None:
            raise BadInput("no such account")
        return account.name

    async def get_stream_fills(self, request):
        """All of an account, oldest first; amounts as text."""
        rows = self.btse.matching.fills.get(self.account_in(request), ())
        return exact([shown(row) for row in rows])

    async def get_stream_trades(self, request):
        """All that were made since the market is alive, oldest first."""
        market = self.btse.markets.get(request.query.get("symbol"))
        if market is None:
            raise BadInput("no such market")
        return exact([shown(row) for row in
                      (market.live.trades if market.live else ())])

    async def get_stream_notifications(self, request):
        rows = self.streams.told.get(self.account_in(request), ())
        return exact([shown(row) for row in rows])

    # ---- what moves the market

    async def get_trader(self, request):
        return web.json_response(self.btse.trader.as_json())

    async def post_trader(self, request):
        self.btse.trader.start(await self.json_of(request))
        return web.json_response(self.btse.trader.as_json())

    async def delete_trader(self, request):
        self.btse.trader.stop()
        return web.json_response(self.btse.trader.as_json())

    async def post_burst(self, request):
        """So many moves of one market, whose messages are sent together."""
        wanted = await self.json_of(request)
        moves = whole_in(wanted, "moves", 20000)
        symbol = wanted.get("symbol", "BTC-USD")
        if self.streams.alive(symbol) is None:
            raise BadInput("no market %r that may live" % (symbol,))
        return web.json_response(
            {"sent": await self.btse.trader.burst(symbol, moves)})

    # ---- what the connections suffer

    def peers_in(self, wanted):
        """Those that topic, url or connection name, or all."""
        peers = list(self.streams.peers)
        if "topic" in wanted:
            peers = [peer for peer in peers if wanted["topic"] in peer.topics]
        if "url" in wanted:
            peers = [peer for peer in peers if peer.url == wanted["url"]]
        if "connection" in wanted:
            peers = [peer for peer in peers
                     if peer.connection.number == int(wanted["connection"])]
        return peers

    async def post_send(self, request):
        """text, or base64 of bytes, as one frame or (raw) as it is."""
        wanted = await self.json_of(request)
        if "base64" in wanted:
            data = base64.b64decode(wanted["base64"])
        else:
            data = str(wanted.get("text", "")).encode()
        if wanted.get("raw") is not True:
            data = frame(whole_in(wanted, "opcode", TEXT), data)
        peers = self.peers_in(wanted)
        for peer in peers:
            peer.send(data)
        return web.json_response({"sent": len(peers)})

    async def post_stream_close(self, request):
        """how: close (with code and reason), drop or reset."""
        wanted = await self.json_of(request)
        how = wanted.get("how", "close")
        if how not in ("close", "drop", "reset"):
            raise BadInput("how is one of: close, drop, reset")
        peers = self.peers_in(wanted)
        for peer in peers:
            if how == "close":
                peer.close(whole_in(wanted, "code", 1001),
                           str(wanted.get("reason", "")))
            else:
                peer.cut(how == "reset")
        return web.json_response({"closed": len(peers)})


def shown(row):
    """A row with its amounts as text, and whom it was told."""
    def text(value):
        return plain(value) if hasattr(value, "as_tuple") else value
    return dict({name: text(value) for name, value in row.items()},
                maker=row.maker if row.maker is not None
                else row.get("maker"), told=row.told)


def whole_in(asked, name, default):
    try:
        return int(asked.get(name, default))
    except (TypeError, ValueError):
        raise BadInput("%s needs a number" % name) from None


def exact(value):
    return web.Response(body=encode(value), content_type="application/json")
