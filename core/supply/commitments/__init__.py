"""Commitments: so many units promised until a day, set aside for it by the router and the sale, and judged when the day is over."""
