"""What the running shop counts, for Prometheus; a label never holds a person, a code or an order."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

UPDATES = Counter("shop_updates_handled_total", "Updates from Telegram, by kind and outcome (done, failed).", ["kind", "outcome"])
HANDLER_SECONDS = Histogram(
    "shop_update_seconds",
    "How long an update was worked on.",
    ["kind"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
UPDATES_IN_HAND = Gauge("shop_updates_in_hand", "Updates that are being worked on or wait for their turn.")
DELIVERIES = Counter(
    "shop_deliveries_total", "Messages of the outbox, by topic and what became of a try (sent, retried, parked).", ["topic", "outcome"]
)
DELIVERY_SECONDS = Histogram(
    "shop_delivery_seconds",
    "How long it took to render and send one message, without waiting for its turn.",
    ["topic"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
TOO_MANY_REQUESTS = Counter("shop_telegram_429_total", "How often Telegram asked the courier to slow down.")
OUTBOX_OPEN = Gauge("shop_outbox_open", "Messages that wait to be sent.")
OUTBOX_PARKED = Gauge("shop_outbox_parked", "Messages that wait for a person to come back.")
OUTBOX_OLDEST_SECONDS = Gauge("shop_outbox_oldest_seconds", "How long the oldest open message has waited.")
SALES = Counter("shop_sales_total", "Orders issued, by how they were paid.", ["paid_by"])
REFUSALS = Counter("shop_refusals_total", "Commands the core refused, by kind of refusal.", ["kind"])
JOB_RUNS = Counter("shop_job_runs_total", "Runs of timed jobs, by outcome (done, failed).", ["job", "outcome"])
JOB_ITEMS = Counter("shop_job_items_total", "What timed jobs have worked off.", ["job"])
JOB_LAST_DONE = Gauge("shop_job_last_done_seconds", "When a timed job last ended well (Unix time).", ["job"])
CALLBACKS = Counter("shop_payment_callbacks_total", "Callbacks of payment providers, by method and outcome.", ["method", "outcome"])
