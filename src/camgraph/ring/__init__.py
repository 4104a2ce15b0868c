"""The frame ring: a frame is written once into shared memory and read in place by any number of processes."""
