"""Studies: many trainings after one plan, and a page of figures that tells what came out."""
