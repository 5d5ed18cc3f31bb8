"""Real servers for tests: started in a folder of their own on a free port, stopped with the run."""
