"""A network that is trained in a page: its data, its surfaces, its history, down to one multiplication."""
