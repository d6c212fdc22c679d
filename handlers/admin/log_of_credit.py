"""How what is done about credit is called in the action log."""

from __future__ import annotations

from core.errors import N_

ACTIONS = {
    "ask-credit": N_("asked for credit of reseller {id}"),
    "approve-credit": N_("was the first to approve credit of reseller {id}"),
    "decide-credit": N_("decided about credit of reseller {id}"),
    "pay-credit": N_("paid credit of reseller {id} from the balance"),
    "set-credit-terms": N_("changed the terms of credit of reseller {id}"),
    "invoice-credit": N_("made an invoice of reseller {id} before its day"),
    "freeze-credit": N_("froze the credit of reseller {id}"),
    "unfreeze-credit": N_("opened the credit of reseller {id} again"),
    "want-write-off": N_("wants credit of reseller {id} written off"),
    "write-off-credit": N_("wrote credit of reseller {id} off"),
    "spare-credit": N_("did not write credit of reseller {id} off after all"),
    "set-score-weights": N_("changed the weights of the score"),
}
FIELDS = {
    "invoice": N_("number of the invoice"),
    "wanted": N_("wanted"),
    "score": N_("score"),
    "formula": N_("formula"),
    "approvals": N_("approvals"),
    "rate_bp": N_("interest a year"),
    "overdue_bp": N_("interest when late"),
    "late_fee_minor": N_("fee for a late invoice"),
    "period_days": N_("days of a period"),
    "term_days": N_("days to pay"),
    "freeze_days": N_("late days until it is frozen"),
    "cycle": N_("buying regularly"),
    "turnover": N_("turnover"),
    "refunds": N_("few refunds"),
    "repayment": N_("paying in time"),
    "age": N_("time with the shop"),
}
CURRENCY_OF = {"late_fee_minor": ""}
SHARES = ("rate_bp", "overdue_bp")
