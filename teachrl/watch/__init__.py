"""A live local page on a run or a bench, made from their files alone."""
