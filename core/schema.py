"""Every table of the shop, imported in one place so that the metadata is whole: for migrations, and before a Shop is opened."""

from core.aftersale import tables as _aftersale
from core.api import tables as _api
from core.blacklist import tables as _blacklist
from core.books import tables as _books
from core.brands import tables as _brands
from core.catalog import tables as _catalog
from core.coupons import tables as _coupons
from core.credit import tables as _credit
from core.database import Base
from core.exposure import tables as _exposure
from core.fulfilment import tables as _fulfilment
from core.insight import tables as _insight
from core.integration import tables as _integration
from core.inventory import tables as _inventory
from core.journal import tables as _journal
from core.ledger import tables as _ledger
from core.onboarding import tables as _onboarding
from core.orders import tables as _orders
from core.outbox import tables as _outbox
from core.packages import tables as _packages
from core.payments import tables as _payments
from core.people import tables as _people
from core.pricing import tables as _pricing
from core.promotion import tables as _promotion
from core.purchasing import tables as _purchasing
from core.rates import tables as _rates
from core.resellers import tables as _resellers
from core.resellers.members import tables as _reseller_members
from core.routing import tables as _routing
from core.settlement import tables as _settlement
from core.standing import tables as _standing
from core.storefronts import tables as _storefronts
from core.supply import tables as _supply
from core.supply.commitments import tables as _commitments

_ALL = (
    _aftersale,
    _api,
    _blacklist,
    _books,
    _brands,
    _catalog,
    _commitments,
    _coupons,
    _credit,
    _exposure,
    _fulfilment,
    _insight,
    _integration,
    _inventory,
    _journal,
    _ledger,
    _onboarding,
    _orders,
    _outbox,
    _payments,
    _packages,
    _people,
    _pricing,
    _promotion,
    _purchasing,
    _rates,
    _resellers,
    _reseller_members,
    _settlement,
    _standing,
    _routing,
    _storefronts,
    _supply,
)

metadata = Base.metadata

__all__ = ["metadata"]
