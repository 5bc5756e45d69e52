"""Files, processes and the network: what lies below everything else."""
