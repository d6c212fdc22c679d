"""A code: brought in, lies on the shelf, sold once."""

from core.errors import N_
from core.fulfilment.kind import Kind


class CodeKind(Kind):
    name = "code"
    title = N_("Code")
    about = N_("Codes that you bring in; each is sold once.")


KIND = CodeKind()
