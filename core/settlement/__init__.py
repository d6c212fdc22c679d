"""Settlement: how each sale is shared by contract, what suppliers have earned, and what is paid out to them."""
