"""What scripts/check_hostile.py does to the service, and how it sees what that costs others."""
