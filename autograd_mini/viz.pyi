"""What a type checker knows of `autograd_mini.viz`: it is the package `viz`."""

from viz import *
