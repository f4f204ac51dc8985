"""What the paper claims, each claim held against a study's tables; docs/claims.md."""
