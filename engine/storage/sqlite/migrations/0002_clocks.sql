-- The soonest deadline of an incident's clocks that nobody has ended; NULL: none.
ALTER TABLE incident ADD COLUMN clock_due INTEGER;
