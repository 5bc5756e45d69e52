"""Which backbone, settings and controls: what is compared before or beside a training."""
