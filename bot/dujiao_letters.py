"""Reports to shops of dujiao-next: what has become of an order, in the words and with the signature of their callback."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from core.api import Due, ReportKind
from web.dujiao import state_of
from web.dujiao_forms import signature


def written(due: Due) -> tuple[Mapping[str, str], bytes] | None:
    """Headers and body; None for news of goods, which that protocol does not know, and for an address that is not https.

    It holds no codes: a shop that hears of a delivery fetches the order, which is the one road on which codes leave.
    """
    path = urlsplit(due.url)
    if due.kind is not ReportKind.ORDER or due.order is None or path.scheme != "https":
        return None
    stamp = str(int(time.time()))
    facts = {
        "event": "order.status",
        "order_id": due.order.order_id,
        "order_no": due.order.ours,
        "downstream_order_no": "" if due.order.number.startswith("~") else due.order.number,
        "status": state_of(due.order),
        "timestamp": int(stamp),
    }
    body = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "Dujiao-Next-Api-Key": due.key.key.name,
        "Dujiao-Next-Timestamp": stamp,
        # Over the path it is posted to, as every request of that protocol: in their shops that is /api/v1/upstream/callback.
        "Dujiao-Next-Signature": signature(due.key.secrets[0], "POST", path.path or "/", stamp, body),
    }
    return headers, body
