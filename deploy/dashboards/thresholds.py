"""The values from which something is wrong, and why. Dashboards colour by them, alerts fire by them."""

#: Seconds. Renewals leave 5 s with the shortest lease, 13 s with the default one and 30 s with the longest;
#: below 3 s, one more slow answer stops the run.
LEAST_MARGIN = 3.0

#: Seconds. Steps, saved state and progress reports are signs of life; a handler without any of them for half
#: an hour looks like one that hangs.
LONGEST_SILENCE = 1800.0

#: Seconds. Jobs may run for hours and lines may be long, but no job should wait an hour unnoticed.
OLDEST_LINE = 3600.0

#: Seconds, at the 95th percentile. The trail usually follows within one; after a minute, what people look at
#: is not what is.
MOST_LAG = 60.0

#: Events' messages in the projector's queue: some minutes of its work.
MOST_EVENTS_QUEUED = 1000

#: Of all starts. Wake-ups are hardly ever lost; where the sweeper starts more than this, the wake-ups are
#: broken and jobs wait for seconds in silence.
MOST_REPAIRED = 0.01

#: Repairs within an hour; fewer are single crashes, even if their share is high.
FEWEST_REPAIRS = 3

#: Seconds by cause, at the 95th percentile, as promised: 1 after a clean stop, 3 after a runner's death.
#: After the loss of a worker they are the default lease of 30, 5 more, and up to 10 back to its last
#: heartbeat, from which on the time is taken. All are bounds of the metric's buckets, between which a
#: quantile is only estimated.
TAKE_OVER_WITHIN = {"worker_stopped": 1.0, "runner_died": 3.0, "worker_lost": 45.0}

#: How long something that must never happen is shown: from the evening until the morning.
MEMORY = "12h"

#: Spans and log records that may be lost within a quarter of an hour. Services that start before their
#: collector lose fewer.
MOST_LOST = 100
#: The share of the collector's queue from which on losses are near.
FULLEST_QUEUE = 0.8
