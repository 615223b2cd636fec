"""Teachers choose what a student practises next: one folder per family, one file per teacher."""
