"""The paper's theorems as computations: recursion, objective, random features, real layers."""
