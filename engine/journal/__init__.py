"""What happened and why: append-only, durable, chained; and the tables derived from it."""
