"""What there is to do: runs, studies, figures, and what each job is made of. No torch: it plans."""
