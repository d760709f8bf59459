"""The job kinds that come with Turnstile: checksum-file and ten-steps.

Both also show how handlers are written: `ten_steps` an async one, `checksum_file` a plain one with state.
"""

from sample_jobs.checksum_file import checksum_file
from sample_jobs.ten_steps import ten_steps

__all__ = ["checksum_file", "ten_steps"]
