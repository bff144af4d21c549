"""The order sandbox: four order APIs on loopback that keep order state and
misbehave on request.

Where things are:

    state.py        accounts, orders, the log of what was really done, settings
    journal.py      what arrived: connections, requests, phases, and waiting
    arrival.py      when a request arrived, as far as one can know
    pace.py         how fast requests came, against the documented limits
    json_text.py    JSON in and out with every number and spelling exact
    tls.py          a throw-away certificate authority and its certificates
    provider.py     what a provider is: a table of endpoints and how it answers
    xt.py tronsave.py btse.py wangdian.py      the four of them; btse.py is
                    put together from btse_*.py, and says how
    alarms.py       what providers do by themselves later
    faults.py       arming faults and choosing those that meet a request
    fault_rows.py   faults in the rows of an answer
    fault_text.py   faults in its text
    fault_status.py faults in its status and envelope
    fault_wire.py   faults in how an answer travels
    fault_stream.py faults of WebSocket streams, which btse_stream.py serves
    exchange.py     the way of one request through all of this
    http_server.py  sockets, TLS, HTTP/1.1, connections
    control.py      the control API; control_stream.py is its part about streams
    statements.py   the SQL and JSON printed at start
    client.py       the self test's client
"""
