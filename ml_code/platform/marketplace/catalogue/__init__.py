"""The marketplace's catalogue: what the hub has, who may use it, who does, and what speaks for or against it."""
