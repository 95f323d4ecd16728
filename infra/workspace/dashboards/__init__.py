"""Lakeview (AI/BI) dashboards: kept, published and drawn."""
