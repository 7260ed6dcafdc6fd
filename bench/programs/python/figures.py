"""What a measured program prints, for measure.py."""

import json
import resource


def print_figures(seconds):
    """Prints these seconds, and the CPU seconds and resident MB of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "memory": usage.ru_maxrss / 1024}))
