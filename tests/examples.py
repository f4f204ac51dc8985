"""How many examples a test of chance tries: few in daily use, more by AGOP_COLLAPSE_EXAMPLES."""

import os


def examples(few: int) -> int:
    return int(os.environ.get("AGOP_COLLAPSE_EXAMPLES", few))
