"""The blacklist: codes and people that must never come in or go out, known by their hashes."""
