-- PL/Python with requests: one requests.Session, kept as long as ours.

CREATE FUNCTION peer_cancel_plpython(market text, ids bigint[])
RETURNS TABLE (order_id bigint, code int, message text)
LANGUAGE plpython3u AS $$
import base64, hashlib, hmac, json, time

if "session" not in SD:
    import requests
    SD["setting"] = plpy.prepare("SELECT current_setting($1) AS value", ["text"])
    SD["session"] = requests.Session()
    SD["session"].verify = SD["setting"].execute(["bench.ca"])[0]["value"]

url = SD["setting"].execute(["bench.url"])[0]["value"]
for start in range(0, len(ids), 100):
    data = json.dumps(ids[start:start + 100], separators=(",", ":"))
    form = {"accesskey": "k",
            "data": base64.b64encode(data.encode()).decode(),
            "market": market,
            "nonce": str(int(time.time() * 1000))}
    text = "&".join(f"{name}={form[name]}" for name in sorted(form))
    form["signature"] = hmac.new(b"s", text.encode(), hashlib.sha256).hexdigest()
    answer = SD["session"].post(url + "/trade/api/v1/batchCancel", data=form,
                                timeout=30)
    answer.raise_for_status()
    for order in answer.json()["data"]:
        yield order["id"], order["code"], order["msg"]
$$;
