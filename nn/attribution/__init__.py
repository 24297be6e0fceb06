"""Attribution: why a network says what it says of one sample, input by input, in the units of the inputs."""
