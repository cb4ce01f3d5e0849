"""Names of operations: without ids, and at most so many per entity.

Where an entity has more, those with the smallest hashes keep a name of their own and the others share one, so that
which ones do does not depend on the order in which they came.
"""

from __future__ import annotations

import re
from functools import lru_cache

import xxhash

LONGEST = 200
SHARED = "*"
"""What operations beyond the limit share."""
UNNAMED = "(none)"
_ID = re.compile(r"\b[0-9a-fA-F]{8}[0-9a-fA-F-]*\b|\b\d+\b")


@lru_cache(maxsize=20_000)
def named(operation: str) -> tuple[str, int]:
    """(name with numbers and long hexadecimal ids masked, its hash).

    >>> named("GET /cart/4711/3fa85f64-5717-4562-b3fc-2c963f66afa6/v1")[0]
    'GET /cart/#/#/v1'
    """
    name = _ID.sub("#", operation[:LONGEST]) or UNNAMED
    return name, xxhash.xxh3_64_intdigest(name.encode(errors="surrogatepass"))
