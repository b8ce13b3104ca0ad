"""Several processes that make one stage together, each on a device of its own, as a launcher has started them.

The first process runs the command. `leading.py` is how it has the others take part, who wait in `following.py` and do
nothing else: they plan nothing, hold no locks, and write no files. `launch.py` reads what a launcher says;
`messages.py` and `outcomes.py` are what processes tell each other between stages, and `group.py` within one;
`strategy.py` says how they share a training, and `training.py` is the trainer in one of them.
"""
