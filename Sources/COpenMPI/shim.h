// Open MPI is met only by the C bridge in CMPI: this module exists to carry its flags.
