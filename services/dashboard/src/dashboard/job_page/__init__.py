"""What the page of a job consists of: each module makes one part of its tree, from what was read."""
