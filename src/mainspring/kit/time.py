"""Wall-clock time as the platform stores it: milliseconds since the epoch, UTC."""

import time


def now_ms() -> int:
    """Return the present time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
