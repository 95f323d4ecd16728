"""Unity Catalog: securables, privileges, managed storage, table metadata, and what Sail needs to find tables."""
