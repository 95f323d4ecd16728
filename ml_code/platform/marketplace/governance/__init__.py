"""Who may use which model of the marketplace: approvals as data, applied as grants, told to the consumers."""
