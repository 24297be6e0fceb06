"""One core for this process and for those that it starts: imported before numpy, whose threads are counted then.

Variables tell BLAS and OpenMP to use one thread. JAX uses a second core whatever its flags say, so the system is told,
where it can be.
"""

import os

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

os.environ.update(dict.fromkeys(VARIABLES, "1"))
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
