"""The real service under load: what check_load.py and check_soak.py have in common."""
