"""The self test of the order sandbox; see the command selftest."""
