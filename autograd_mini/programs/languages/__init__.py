"""Languages: what the names of a program mean in JavaScript, torch, JAX and LaTeX, and the scripts in them."""
