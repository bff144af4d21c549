"""Faults in BTSE's streams: what a message says, and how it travels.

Each is a function hook(peer, message, args); see stream_fault() in faults.py.
What is sent through peer.put() counts as sent, and is true or not; the truth
does not change.
"""

from .faults import stream_fault


# ---- messages that do not come

@stream_fault("stream_lost", "a message is not sent: a gap in a book, a hole "
              "in what is appended")
def lost(peer, message, args):
    pass


@stream_fault("stream_silent", "acknowledged, and then nothing is sent",
              times=0)
def silent(peer, message, args):
    pass


@stream_fault("stream_no_ack", "subscribe or unsubscribe is not acknowledged",
              moment="ack")
def no_ack(peer, message, args):
    pass


@stream_fault("stream_no_login_ack", "a login is not acknowledged",
              moment="login")
def no_login_ack(peer, message, args):
    pass


@stream_fault("stream_login_refused", "a login is refused", moment="refuse")
def login_refused(peer, message, args):
    pass                        # Streams.login() asks whether it is armed


@stream_fault("stream_no_pong", "ping is not answered", moment="pong",
              times=0)
def no_pong(peer, message, args):
    pass


@stream_fault("stream_snapshot_first", "the first messages of topics come "
              "before the acknowledgement", moment="first")
def snapshot_first(peer, message, args):
    pass                        # Streams.acknowledge() asks for it
