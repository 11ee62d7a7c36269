"""Studies: many trainings after one plan, and a page of figures that shows what came out."""
