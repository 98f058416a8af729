"""DuckDB: connections, the SQL model runner, the published catalogue."""
