"""What the list of jobs consists of: its table, its foot, the choice of jobs, and acting on them."""
