"""Standing: how far each supplier is trusted, strikes and suspensions, takedowns, kill switches, and checked certificates."""
