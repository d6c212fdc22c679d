"""People: the customers of each storefront, and the staff."""

from core.people.commands import (
    block,
    choose_country,
    choose_language,
    claim_ownership,
    come_back,
    make_owner_link,
    meet,
    set_admins_from_settings,
    want_broadcasts,
)
from core.people.queries import (
    Customer,
    StaffMember,
    by_id,
    called,
    country_of,
    find,
    find_any,
    is_staff,
    joined,
    next_customers,
    one,
    staff,
)
from core.people.tables import Role

__all__ = [
    "Customer",
    "Role",
    "StaffMember",
    "block",
    "by_id",
    "called",
    "choose_country",
    "choose_language",
    "claim_ownership",
    "come_back",
    "country_of",
    "find",
    "find_any",
    "is_staff",
    "joined",
    "make_owner_link",
    "meet",
    "next_customers",
    "one",
    "set_admins_from_settings",
    "staff",
    "want_broadcasts",
]
