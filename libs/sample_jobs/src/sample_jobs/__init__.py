"""The job kinds that come with Turnstile: checksum-file, ten-steps and send-effects.

Both also show how handlers are written: `ten_steps` an async one, `checksum_file` a plain one with state,
`send_effects` one whose effects outside carry its fence.
"""

from sample_jobs.checksum_file import checksum_file
from sample_jobs.send_effects import send_effects
from sample_jobs.ten_steps import ten_steps

__all__ = ["checksum_file", "send_effects", "ten_steps"]
