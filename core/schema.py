"""Every table of the shop, imported in one place so that the metadata is whole: for migrations, and before a Shop is opened."""

from core.aftersale import tables as _aftersale
from core.books import tables as _books
from core.catalog import tables as _catalog
from core.coupons import tables as _coupons
from core.database import Base
from core.fulfilment import tables as _fulfilment
from core.inventory import tables as _inventory
from core.journal import tables as _journal
from core.ledger import tables as _ledger
from core.orders import tables as _orders
from core.outbox import tables as _outbox
from core.payments import tables as _payments
from core.people import tables as _people
from core.pricing import tables as _pricing
from core.promotion import tables as _promotion
from core.rates import tables as _rates
from core.routing import tables as _routing
from core.storefronts import tables as _storefronts
from core.supply import tables as _supply

_ALL = (
    _aftersale,
    _books,
    _catalog,
    _coupons,
    _fulfilment,
    _inventory,
    _journal,
    _ledger,
    _orders,
    _outbox,
    _payments,
    _people,
    _pricing,
    _promotion,
    _rates,
    _routing,
    _storefronts,
    _supply,
)

metadata = Base.metadata

__all__ = ["metadata"]
