"""Arrays: records of arrays as calls of numpy, and the buffers that they write to."""
