"""The questions and the buttons of the shop's control over supply: told in test_supply_control.py."""

ASKED = {
    "supplier.strike", "supplier.suspend", "supplier.standing", "supplier.hold", "supplier.find",
    "rule.hold", "rule.shelf", "rule.offers", "rule.cases", "rule.least",
    "switch.off", "switch.product",
    "takedown.brand", "takedown.goods", "takedown.offer", "takedown.file", "takedown.add", "takedown.uphold", "takedown.reject",
    "word.add", "brand.add", "person.ban", "cert.decide",
}  # fmt: skip
PRESSED = {
    "unsuspend", "strike-lift", "rule-approve", "rule-class", "switch-off", "switch-on", "td-export", "word-off", "brand-off",
    "feed-back", "person-free", "cert-ask",
}  # fmt: skip
