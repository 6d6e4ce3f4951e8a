"""HTTP on TCP: looking, measuring and steering from elsewhere, with a token; and a page for phones."""
