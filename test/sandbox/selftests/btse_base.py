"""What the cases about BTSE share: its requests and its control data."""

import json

from .base import Case

ROOT = "/api/v3.3"
ME = "sandbox-btse-api-key"


class BtseCase(Case):
    def public(self, path, **asked):
        return self.ask(self.requests.btse_public(ROOT + path, **asked))

    def signed(self, method, path, body=None, **more):
        """A signed request; a body is an object, or JSON text."""
        if isinstance(body, dict):
            body = json.dumps(body)
        return self.ask(self.requests.btse(method, ROOT + path, body=body,
                                           **more))

    def query(self, path, **asked):
        """The rows of a signed query that succeeds."""
        answer = self.signed("GET", path, **asked)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def create(self, **wanted):
        return self.signed("POST", "/order", dict(
            {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT",
             "size": 10, "price": 34000}, **wanted))

    def created(self, **wanted):
        """The only row of a create that is answered with one."""
        answer = self.create(**wanted)
        self.assertEqual(answer.status, 200, answer.body)
        row, = answer.json()
        return row

    def refused(self, answer, words, status=400, code=400):
        self.assertEqual(answer.status, status, answer.body)
        said = answer.json()
        self.assertIn(words, said["message"])
        self.assertEqual((said["errorCode"], said["status"]), (code, status))

    def amend(self, id, kind, **values):
        return self.signed("PUT", "/order", dict(
            {"symbol": "BTC-USD", "orderID": id, "type": kind}, **values))

    def cancel(self, **which):
        answer = self.signed("DELETE", "/order",
                             **dict({"symbol": "BTC-USD"}, **which))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def put(self, kind, *items, account=ME):
        self.post("/data/btse/%s?account=%s" % (kind, account), list(items))

    def drop(self, kind):
        status, _ = self.tell("DELETE", "/data/btse/" + kind)
        self.assertEqual(status, 200)

    def set(self, **settings):
        self.post("/settings", settings)

    def done(self, action=None):
        """What was really done: [(action, detail)], or the details of one
        action."""
        log = self.get("/executed?provider=btse&all=1")
        if action is None:
            return [entry["action"] for entry in log]
        return [entry["detail"] for entry in log
                if entry["action"] == action]

    def order(self, id):
        """The truth about an order."""
        order, = self.get("/orders?provider=btse&id=" + id)
        return order
