"""Whoever does something over and over while a storm blows."""

import random
import threading


class Actor(threading.Thread):
    """Acts after pauses of up to so many seconds, until it is stopped; what it
    failed of is kept for tempest.py, which tells it."""

    def __init__(self, name, seed, pause):
        super().__init__(name=name, daemon=True)
        self.random = random.Random("%s %s" % (seed, name))
        self.pause = pause
        self.stopped = threading.Event()
        self.crash = None

    def run(self):
        try:
            while not self.stopped.wait(self.random.random() * self.pause):
                self.act()
        except Exception as error:
            self.crash = error
            raise
