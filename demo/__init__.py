"""A rehearsal of everything: a plant of simulated machines, the agent, the collector, the store, the bills.

The only package that imports all the others, and that none of them imports.
"""
