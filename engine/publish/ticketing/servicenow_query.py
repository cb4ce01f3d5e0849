"""Conditions of ServiceNow's encoded queries.

https://www.servicenow.com/docs/r/platform-user-interface/configure-user-experiences/c_EncodedQueryStrings.html :
conditions are joined by ``^``, for which no escape is documented (others found none either:
https://github.com/michaeldcanady/servicenow-sdk-go/pull/784), and a value that begins with ``javascript:`` is run by
the instance. So a value that could become more than a value is refused instead of being escaped.
"""

from __future__ import annotations

from engine.errors import SinkError

SCRIPT = "javascript:"


def condition(field: str, value: str) -> str:
    """``field=value``. Raises `SinkError` (permanent) for a value that no condition may hold.

    >>> condition("correlation_id", "headwater-1")
    'correlation_id=headwater-1'
    """
    script = value.lstrip().lower().startswith(SCRIPT)
    if not value or value != value.strip() or script or "^" in value or not value.isprintable():
        raise SinkError(
            f"ServiceNow cannot be asked for a {field} that is empty or holds such characters", permanent=True
        )
    return f"{field}={value}"
