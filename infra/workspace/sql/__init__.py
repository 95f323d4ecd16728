"""SQL: warehouses and the Statement Execution API, run by Sail in the caller's name."""
