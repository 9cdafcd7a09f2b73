"""Full-catalogue ranking: metrics, baselines and the protocol that defines them.

Every scorer, model and baselines alike, goes through `ranking.evaluate` with
the same customers, candidates, removals and ties.
"""
