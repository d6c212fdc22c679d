"""Payment gateways to try the shop with: real HTTP servers on this machine that speak the gateways' own protocols and can misbehave."""

from sandbox.gateways.base import Gateway, NotPayable, Payment, State
from sandbox.gateways.courier import Pace, Sent
from sandbox.gateways.crypto_pay import CryptoPayGateway
from sandbox.gateways.epay import EpayGateway
from sandbox.gateways.faults import Faults
from sandbox.gateways.rates import RateFaults, RateServer
from sandbox.gateways.register import CertificateServer, RegisterFaults
from sandbox.gateways.stripe_checkout import StripeGateway

__all__ = [
    "CertificateServer",
    "CryptoPayGateway",
    "EpayGateway",
    "Faults",
    "Gateway",
    "NotPayable",
    "Pace",
    "Payment",
    "RateFaults",
    "RateServer",
    "RegisterFaults",
    "Sent",
    "State",
    "StripeGateway",
]
