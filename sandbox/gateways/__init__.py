"""Payment gateways and upstream shops to try the shop with: real HTTP servers that speak their own protocols and can misbehave."""

from sandbox.gateways.acg_faka import AcgFakaUpstream
from sandbox.gateways.base import Gateway, NotPayable, Payment, State
from sandbox.gateways.courier import Pace, Sent
from sandbox.gateways.crypto_pay import CryptoPayGateway
from sandbox.gateways.dujiao import DujiaoUpstream
from sandbox.gateways.epay import EpayGateway
from sandbox.gateways.faults import Faults
from sandbox.gateways.own_shop import OwnShopUpstream
from sandbox.gateways.rates import RateFaults, RateServer
from sandbox.gateways.register import CertificateServer, RegisterFaults
from sandbox.gateways.stripe_checkout import StripeGateway
from sandbox.gateways.topup import TopupUpstream
from sandbox.gateways.upstream import Upstream, UpstreamFaults

__all__ = [
    "AcgFakaUpstream",
    "CertificateServer",
    "CryptoPayGateway",
    "DujiaoUpstream",
    "EpayGateway",
    "Faults",
    "Gateway",
    "NotPayable",
    "OwnShopUpstream",
    "Pace",
    "Payment",
    "RateFaults",
    "RateServer",
    "RegisterFaults",
    "Sent",
    "State",
    "StripeGateway",
    "TopupUpstream",
    "Upstream",
    "UpstreamFaults",
]
