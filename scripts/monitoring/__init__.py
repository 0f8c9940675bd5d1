"""The real service under a real Prometheus: what check_monitoring.py and draw_dashboards.py have in common."""
