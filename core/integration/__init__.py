"""Integration: other shops that supply ours, their catalogues, balances and health."""
