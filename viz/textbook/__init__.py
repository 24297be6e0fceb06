"""A network as the textbook draws it: columns of neurons, and a curve for each weight."""
