"""The storm: everything dies at random while calls are submitted, and made at
once, and afterwards three books are compared.

Where things are:

    acts.py         what is submitted: functions, arguments, and the keys by
                    which the sandbox's book knows them again
    notes.py        the clients' own book: what was committed, rolled back, or
                    nobody knows
    clients.py      the clients, each with a session of its own: how they
                    submit
    callers.py      ... and how they call at once
    weather.py      what the providers do wrong meanwhile
    disaster.py     what happens to the cluster meanwhile
    scenery.py      database, roles, servers, tables of the clients
    books.py        reads the three books when all is over
    audit.py        compares them: every rule is a function
    tempest.py      the course of events
    cluster.py      a private cluster
    libpq.py        PostgreSQL's client library
    sandbox.py      the order sandbox, as a process

All random choices come from the seed.  What two of them do at the same time
does not: processes are as fast as the machine is.
"""
