"""The outside world: one file is one way to be paid, one supplier's protocol, or one source of exchange rates."""
