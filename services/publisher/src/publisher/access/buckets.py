"""How often each client may ask: a bucket of tokens that fills as time passes."""

from dataclasses import dataclass, field


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


@dataclass
class TokenBuckets:
    """A bucket for each client. There are no more of them than clients have keys."""

    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def take(self, client: str, rate: float, burst: int, now: float) -> float:
        """Take a token; return 0, or the seconds until there is one, without taking it.

        A bucket holds `burst` tokens and gets `rate` of them in a second. `now` is of a clock that never goes
        back.
        """
        bucket = self._buckets.setdefault(client, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / rate
        bucket.tokens -= 1
        return 0.0
