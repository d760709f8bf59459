"""Print which seed and which other test catch each mutant: `python -m tests.simulation.mutant_table`."""

import sys

from tests.simulation.mutants import MUTANTS
from tests.simulation.test_mutants import first_failure, run_other_test


def main() -> int:
    """Try every mutant; gives 0 when all were caught twice."""
    survivors = 0
    print("| mutant | rule taken away | seeds until caught | as | other test that fails |")
    print("|---|---|---|---|---|")
    for mutant in MUTANTS.values():
        failure = first_failure(mutant)
        options = ("-p", "tests.simulation.mutating", "--mutant", mutant.name)
        is_noticed = run_other_test(mutant.other_test, *options).returncode == 1
        seeds, what = (str(failure[0] + 1), failure[1].split()[0]) if failure else ("never", "")
        other = mutant.other_test.split("::")[1] if is_noticed else "none"
        print(f"| {mutant.name} | {mutant.rule} | {seeds} | {what} | `{other}` |", flush=True)
        survivors += failure is None or not is_noticed
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
